PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python

.PHONY: train test test-oldest crash soak fuzz clean

train: $(VENV)/installed            ## set up and train on the sample faces
	$(PY) main.py --dataset faces --input_height 96 --output_height 48 --crop --train

test: $(VENV)/installed-dev         ## set up and run all tests
	$(PY) -m pytest -q tests

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	$(PY) -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(PY) -m pip install --quiet -r requirements-dev.txt
	touch $@

test-oldest:                        ## the tests on the oldest supported versions, in an environment of their own
	$(MAKE) test VENV=.venv-oldest PIP_CONSTRAINT=$(CURDIR)/requirements-oldest.txt

crash: $(VENV)/installed-dev         ## kill a training run 50 times, cut its power after every change of a file; compare with an unbroken one
	$(PY) tests/crash/campaign.py --kills 50
	$(PY) tests/crash/power_loss.py --mixed 4 --resumes 12

soak: $(VENV)/installed-dev          ## 5,000 steps: memory and file descriptors stay flat
	$(PY) tests/soak.py

fuzz: $(VENV)/installed-dev          ## coverage-guided, 10 million inputs over all readers
	$(PY) -m pip install --quiet atheris
	$(PY) tests/fuzz/fuzz.py all

clean:
	rm -rf .venv .venv-oldest out
