"""What the document cannot tell Schemathesis about this service, each as narrow as it can be said.

Loaded by schemathesis.toml. No check is switched off here: a refusal of schema-valid data is accepted only
where the problem names a reason that no JSON Schema can express and the request has that reason in it.
"""

import json
import os
import re
import uuid

import schemathesis
from schemathesis.generation.meta import TestPhase
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.parameters import ParameterLocation
from schemathesis.openapi.checks import RejectedPositiveData

# Problem codes of a refusal -> what the request must carry for that refusal to be about its state, not its shape.
STATEFUL_REFUSALS = {
    (400, "invalid-cursor"): lambda case: "cursor" in (case.query or {}),
    # The number of a change that there is not yet.
    (400, "invalid-parameter"): lambda case: "since" in (case.query or {}) or _has_header(case, "Last-Event-ID"),
    (412, "stale-revision"): lambda case: _has_header(case, "If-Match", "If-None-Match"),
    # PUT takes If-Match or If-None-Match, and a schema cannot ask for one of two headers.
    (428, "precondition-required"): lambda case: case.method.upper() == "PUT" and not _has_header(case, "If-Match"),
}

# Codes of single errors in a validation-failed problem that depend on what is stored, on other fields or on the clock.
STATEFUL_FIELD_CODES = {
    "unknown-category",
    "unknown-tag",
    "unknown-author",
    "unknown-revision",
    "unpublish-before-publish",
    "in-the-past",
    "default-locale",
    "deleted-term",
    "path-mismatch",
    "conflicting",
    "too-far",
}

# A well-formed Idempotency-Key.
KEY = re.compile(r"""("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#$%&'*+.^_`|~:/=0-9A-Za-z-]{1,255})""")

# Resources the run itself stands on: its own token.
PROTECTED_IDS = set(filter(None, os.environ.get("FUZZ_PROTECTED_IDS", "").split(",")))


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """Lines of JSON travel as they are; what is no text is one line."""
    return {"data": (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keeps every failure but a refusal of valid data whose reason no schema can say."""
    if isinstance(failure, AcceptedNegativeData):
        # Any bytes are lines: what is wrong with one is said in the import's items, and no line of JSON is no text.
        return not (case.operation.label == "POST /v1/imports" and _is_negative_in_body_only(case))
    if not isinstance(failure, RejectedPositiveData):
        return True
    problem = _problem(response)
    code = (response.status_code, problem.get("code"))
    if code in STATEFUL_REFUSALS:
        return not STATEFUL_REFUSALS[code](case)
    if code == (422, "validation-failed"):
        errors = problem.get("errors") or [{}]
        return not all(error.get("code") in STATEFUL_FIELD_CODES or _is_nul_in_extra(error, case) for error in errors)
    return True


@schemathesis.hook
def before_call(context, case, kwargs):
    """Keeps the run's own token alive, and its valid bodies in a category that exists."""
    if case.method.upper() not in ("GET", "HEAD"):
        for name, value in (case.path_parameters or {}).items():
            if str(value) in PROTECTED_IDS:
                case.path_parameters[name] = str(uuid.uuid5(uuid.NAMESPACE_URL, str(value)))
    for name in [name for name in (case.headers or {}) if name.lower() == "idempotency-key"]:
        # A key names one request; one that is made up for many is refused, and rightly.
        if KEY.fullmatch(str(case.headers[name])):
            case.headers[name] = f'"{uuid.uuid4()}"'
    if _is_positive_coverage(case) and isinstance(case.body, dict) and isinstance(case.body.get("category"), str):
        case.body["category"] = "debugging"


def _is_positive_coverage(case):
    """The coverage phase walks one field at a time; a category made up beside it would hide the answer."""
    meta = case.meta
    return meta is not None and meta.phase.name == TestPhase.COVERAGE and meta.generation.mode.is_positive


def _is_negative_in_body_only(case):
    components = case.meta.components if case.meta is not None else {}
    return {place for place, info in components.items() if info.mode.is_negative} == {ParameterLocation.BODY}


def _is_nul_in_extra(error, case):
    """`extra` is free-form: no schema can forbid a character in keys and texts at every depth."""
    body = case.body if isinstance(case.body, dict) else {}
    has_nul = "\\u0000" in json.dumps(body.get("extra"))
    return has_nul and error.get("code") == "invalid-character" and error.get("pointer") == "/extra"


def _has_header(case, *names):
    present = {name.lower() for name in (case.headers or {})}
    return any(name.lower() in present for name in names)


def _problem(response):
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
