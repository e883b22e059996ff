# The commands of the course; each line calls pip, pytest or the command `course`.
#
#   make lab GPU=1               with the CUDA libraries for an NVIDIA card
#   make lessons ARGS="03 04"    what follows ARGS= is handed to `course`
#   make setup PYTHON=python3.12 with a Python of your choice
#   make setup VENV=.venv312     in another folder than .venv, with PYTHON= beside the first

SHELL := /bin/sh
PYTHON :=
ARGS :=
VENV := .venv
RUN := $(VENV)/bin/python
COURSE := $(RUN) -m course_utils.cli
# only in the repository
# Processes of "make test"; more, as in "make test JOBS=4", where there are cores and memory.
JOBS := 2
PYTEST := $(RUN) -m pytest -n $(JOBS) --dist loadscope
# end of only in the repository
ifeq ($(strip $(HOME)),)
unexport HOME
endif

# $(call pip,NAME,ARGUMENTS,FILES): pip install, again only when FILES or this folder's path change.
pip = now="$$( { pwd; cat $(3); } | cksum)"; \
  if [ "$$now" != "$$(cat $(VENV)/installed-$(1) 2>/dev/null)" ]; then \
    $(RUN) -m pip install --disable-pip-version-check $(2) \
      && printf '%s\n' "$$now" > $(VENV)/installed-$(1); \
  fi

.PHONY: help setup lab lessons
# only in the repository
.PHONY: dev test quick test-all lint coverage links build site slides handouts examples release publish bench pins
# end of only in the repository
.NOTPARALLEL:

help:
	@echo "make lab      set up and open the lessons in JupyterLab (GPU=1: with an NVIDIA card)"
	@echo "make lessons  run all lessons in full and list what they reached"
	@echo "make setup    only set up; a second call does nothing"
# only in the repository
	@echo "make test     set up and run every test"
	@echo "make quick    set up, run the quickest tests and the first two lessons"
	@echo "make test-all make test, with slow tests and every mutant of the exercises' solutions"
	@echo "make lint     only check format, style, types and language"
	@echo "make coverage which lines the tests run (ARGS=tests/models: those of a part)"
	@echo "make links    do the links of documents and lessons lead anywhere? Needs a network"
	@echo "make build    run the lessons, store their outputs, rebuild every derived file"
	@echo "make site     the course as a website, in build/site"
	@echo "make slides   slides of the lessons in build/slides (ARGS=\"01 --no-pdf\": one, as HTML only)"
	@echo "make handouts one page for each lesson in build/handouts"
	@echo "make examples grade the class of docs/grading_examples again, and draw the picture of README.md"
	@echo "make release  students' zip, slides and handouts in build/release"
	@echo "make publish  for the workflow 'release': attach them to a release of the tag TAG"
	@echo "make bench    measure the course (ARGS=--quick: in 5 minutes)"
	@echo "make pins     resolve requirements*.in again"
# end of only in the repository

setup: $(VENV)/made
	@$(call pip,run,-r requirements.txt,requirements.txt)
	@$(call pip,course,--quiet --no-deps --no-build-isolation -e .,requirements.txt pyproject.toml)
ifeq ($(GPU),1)
	@$(call pip,gpu,-c requirements.txt "tensorflow[and-cuda]",requirements.txt)
endif

$(VENV)/made:
	@for python in "$(PYTHON)" python3.13 python3.12 python3.11 python3 python; do \
	  if "$$python" -c "import sys, venv, ensurepip; \
	      sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version)."; \
	    "$$python" -m venv --clear --prompt course $(VENV) && touch $@ && exit 0; \
	  fi; \
	done; \
	echo "The course needs Python 3.11, 3.12 or 3.13 with its venv module, and found none: install" \
	  "one (on Debian and Ubuntu also python3-venv), or name it: make setup PYTHON=/path/to/python"; \
	exit 1

# only in the repository
dev: setup
	@$(call pip,dev,-r requirements-dev.txt,requirements-dev.txt)
# end of only in the repository

lab: setup
	@$(COURSE) check
	@$(COURSE) lab $(ARGS)

lessons: setup
	@$(COURSE) lessons $(ARGS)

# only in the repository
lint: dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) tests/repository/check_language.py

# Folders of the lessons under test: what they print may not depend on data that this machine has.
FOLDERS := COURSE_WORK COURSE_DATA KERAS_HOME TFDS_DATA_DIR
# In the order of the folders, so that short modules come last and both workers end together.
test: lint
	$(PYTEST) --no-loadscope-reorder tests $(ARGS)
	rm -rf build/nbval && mkdir -p $(FOLDERS:%=build/nbval/%)
	$(foreach name,$(FOLDERS),$(name)="$(CURDIR)/build/nbval/$(name)") \
	  COURSE_EPOCHS=1 COURSE_DATASET=paper_flowers COURSE_STORED=1 \
	  $(PYTEST) --nbval-lax --nbval-cell-timeout 600 notebooks solutions

# For a first look, and for another Python: what takes few minutes and touches every layer.
QUICK := files validate convolution models quality
quick: dev
	@$(COURSE) check
	$(RUN) -m pytest -q $(QUICK:%=tests/%)
	@COURSE_DATASET=paper_flowers COURSE_DATA= COURSE_WORK="$(CURDIR)/build/quick" $(COURSE) lessons 00 01

test-all: override ARGS += --all
test-all: test

# Settings are in pyproject.toml; CONTRIBUTING.md says what is not measured.
coverage: dev
	$(RUN) -m coverage erase
	$(RUN) -m coverage run -m pytest -n 2 --dist loadscope $(or $(ARGS),tests)
	$(RUN) -m coverage combine --quiet
	$(RUN) -m coverage report --include "course_utils/*"
	$(RUN) -m coverage report --include "course_staff/*"

links: setup
	@$(COURSE) links $(ARGS)

build: setup
	@$(COURSE) build $(ARGS)

# One that ran before must not be left over: the same files give the same site, byte for byte.
site: dev
	@SOURCE_DATE_EPOCH=0 $(RUN) -m course_staff.site

slides: dev
	@$(COURSE) slides $(ARGS)

handouts: dev
	@$(COURSE) handouts $(ARGS)

examples: dev
	@$(RUN) tests/grading/example_class.py
	@$(RUN) -m course_staff.site.picture

# What a release has. Slides and handouts are HTML and PDF, so this needs Chromium or Chrome.
release: slides handouts
	rm -rf build/release && mkdir -p build/release
	$(COURSE) release --out build/release/course.zip
	$(RUN) -m zipfile -c build/release/slides.zip build/slides
	$(RUN) -m zipfile -c build/release/handouts.zip build/handouts

# For the workflow "release": attach them to a release of the tag $TAG on GitHub.
publish:
	gh release create "$$TAG" --verify-tag --generate-notes build/release/*.zip

bench: setup
	@$(COURSE) bench $(ARGS)

# --allow-unsafe pins setuptools too; the other switches keep this machine's settings out of the files.
PIN := CUSTOM_COMPILE_COMMAND="make pins" $(RUN) -m piptools compile --quiet --upgrade --no-config \
  --allow-unsafe --strip-extras --no-emit-options --no-emit-index-url --no-emit-find-links \
  --no-emit-trusted-host --newline lf

pins: dev
	$(PIN) --output-file requirements.txt requirements.in
	$(PIN) --constraint requirements.txt --output-file requirements-dev.txt requirements-dev.in
	@$(COURSE) build --derived
# end of only in the repository
