"""Every plugin there is: found, checked, listed, and begun from a template."""
