"""Tables of text and of data, in every format; nothing here knows what they are about."""
