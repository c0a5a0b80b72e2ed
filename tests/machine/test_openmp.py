"""Threads sleep while they wait, unless the user said how, or it is too late."""

import os
import sys

import pytest

from bench.machine.openmp import POLICY, wait_passively


@pytest.fixture
def without_torch(monkeypatch):
    for name in (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "torch", raising=False)


def test_before_torch_is_loaded(without_torch):
    wait_passively()
    assert os.environ[POLICY] == "PASSIVE"


@pytest.mark.parametrize("name", ["GOMP_SPINCOUNT", "KMP_BLOCKTIME"])
def test_who_says_it_more_exactly_is_left_alone(without_torch, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    wait_passively()
    assert POLICY not in os.environ


def test_what_the_user_says_stays(without_torch, monkeypatch):
    monkeypatch.setenv(POLICY, "ACTIVE")
    wait_passively()
    assert os.environ[POLICY] == "ACTIVE"


def test_afterwards_there_is_nothing_to_do(without_torch, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", object())
    wait_passively()
    assert POLICY not in os.environ
