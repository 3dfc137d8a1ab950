"""Codes of what can go wrong, for programs to branch on, and their titles for people."""

from collections.abc import Mapping
from enum import StrEnum


class Code(StrEnum):
    """What kind of problem it is; clients branch on it."""

    INVALID_PARAMETER = "invalid_parameter"
    UNKNOWN_SIGNAL = "unknown_signal"
    SPAN_TOO_LONG = "span_too_long"
    UNKNOWN_VEHICLE = "unknown_vehicle"
    UNKNOWN_DRIVER = "unknown_driver"
    UNKNOWN_FLEET = "unknown_fleet"
    UNKNOWN_ADVICE = "unknown_advice"
    UNKNOWN_WEBHOOK = "unknown_webhook"
    UNKNOWN_DELIVERY = "unknown_delivery"
    TOO_MANY_WEBHOOKS = "too_many_webhooks"
    WEBHOOKS_NOT_SET_UP = "webhooks_not_set_up"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_DATASET = "unknown_dataset"
    NOT_IN_DATASET = "not_in_dataset"
    WITHHELD = "withheld"
    ENDED = "ended"
    NAME_TAKEN = "name_taken"
    UNKNOWN_ENTRY = "unknown_entry"
    NOT_YOURS = "not_yours"
    ALREADY_THERE = "already_there"
    ERASED = "erased"
    LAST_ADMINISTRATOR = "last_administrator"
    CHANGED_MEANWHILE = "changed_meanwhile"
    BAD_LINES = "bad_lines"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    WRITE_UNDER_WAY = "write_under_way"
    ANSWER_NOT_KEPT = "answer_not_kept"
    ALREADY_ANSWERED = "already_answered"
    NOT_FOUND = "not_found"
    NOT_ACCEPTABLE = "not_acceptable"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TOO_MANY_REQUESTS = "too_many_requests"
    WRONG_HOST = "wrong_host"
    NOT_HTTP = "not_http"
    TOO_LATE = "too_late"
    DATABASE_UNREACHABLE = "database_unreachable"
    BUSY = "busy"
    TOO_SLOW = "too_slow"
    NOT_READY = "not_ready"
    UNAUTHENTICATED = "unauthenticated"
    MISSING_SCOPE = "missing_scope"
    CROSS_SITE = "cross_site"
    TOO_MANY_TRIES = "too_many_tries"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    INTERNAL = "internal"


TITLES: Mapping[Code, str] = {
    Code.INVALID_PARAMETER: "A parameter cannot be used",
    Code.UNKNOWN_SIGNAL: "No signal has this name",
    Code.SPAN_TOO_LONG: "The span is too long for this resolution",
    Code.UNKNOWN_VEHICLE: "There is no such vehicle",
    Code.UNKNOWN_DRIVER: "There is no such driver",
    Code.UNKNOWN_FLEET: "There is no such fleet",
    Code.UNKNOWN_ADVICE: "There is no such advice",
    Code.UNKNOWN_WEBHOOK: "There is no such webhook",
    Code.UNKNOWN_DELIVERY: "There is no such message",
    Code.TOO_MANY_WEBHOOKS: "You have as many webhooks as there may be",
    Code.WEBHOOKS_NOT_SET_UP: "Webhooks are not set up here",
    Code.UNKNOWN_MODEL: "There is no such model",
    Code.UNKNOWN_DATASET: "There is no such dataset",
    Code.NOT_IN_DATASET: "This is not in the dataset",
    Code.WITHHELD: "The dataset has too few vehicles to be told",
    Code.ENDED: "The dataset has ended",
    Code.NAME_TAKEN: "There is one of this name already",
    Code.UNKNOWN_ENTRY: "There is no such entry",
    Code.NOT_YOURS: "This is not yours to change",
    Code.ALREADY_THERE: "This is there already",
    Code.ERASED: "This was erased",
    Code.LAST_ADMINISTRATOR: "The last administrator stays",
    Code.CHANGED_MEANWHILE: "This was changed meanwhile",
    Code.BAD_LINES: "The list has bad lines",
    Code.TOO_LARGE: "What was sent is too large",
    Code.UNSUPPORTED_MEDIA_TYPE: "This address does not take this format",
    Code.IDEMPOTENCY_KEY_REUSED: "This idempotency key was used for another request",
    Code.WRITE_UNDER_WAY: "This is being written at this moment",
    Code.ANSWER_NOT_KEPT: "This was done, and its answer is not kept",
    Code.ALREADY_ANSWERED: "This advice was answered already",
    Code.NOT_FOUND: "There is nothing at this address",
    Code.NOT_ACCEPTABLE: "This cannot be answered in a format you accept",
    Code.METHOD_NOT_ALLOWED: "This address does not take this method",
    Code.TOO_MANY_REQUESTS: "Too many requests in this minute",
    Code.WRONG_HOST: "This API is not known by this name",
    Code.NOT_HTTP: "This is not HTTP",
    Code.TOO_LATE: "The request took too long to come",
    Code.DATABASE_UNREACHABLE: "The database does not answer",
    Code.BUSY: "Too many requests at once",
    Code.TOO_SLOW: "The answer took too long",
    Code.NOT_READY: "The database is not ready for this version",
    Code.UNAUTHENTICATED: "Sign in first",
    Code.MISSING_SCOPE: "You may not do this",
    Code.CROSS_SITE: "This may have come from a page elsewhere",
    Code.TOO_MANY_TRIES: "Too many tries",
    Code.PROVIDER_UNREACHABLE: "The identity provider does not answer",
    Code.INTERNAL: "Something went wrong on our side",
}


STATUS: Mapping[Code, int] = {
    Code.INVALID_PARAMETER: 422,
    Code.UNKNOWN_SIGNAL: 422,
    Code.SPAN_TOO_LONG: 422,
    Code.UNKNOWN_VEHICLE: 404,
    Code.UNKNOWN_DRIVER: 404,
    Code.UNKNOWN_FLEET: 404,
    Code.UNKNOWN_ADVICE: 404,
    Code.UNKNOWN_WEBHOOK: 404,
    Code.UNKNOWN_DELIVERY: 404,
    Code.TOO_MANY_WEBHOOKS: 409,
    Code.WEBHOOKS_NOT_SET_UP: 503,
    Code.UNKNOWN_MODEL: 404,
    Code.UNKNOWN_DATASET: 404,
    Code.NOT_IN_DATASET: 404,
    Code.WITHHELD: 403,
    Code.ENDED: 409,
    Code.NAME_TAKEN: 409,
    Code.NOT_ACCEPTABLE: 406,
    Code.UNKNOWN_ENTRY: 404,
    Code.NOT_YOURS: 403,
    Code.ALREADY_THERE: 409,
    Code.ERASED: 409,
    Code.LAST_ADMINISTRATOR: 409,
    Code.CHANGED_MEANWHILE: 412,
    Code.BAD_LINES: 422,
    Code.TOO_LARGE: 413,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    Code.IDEMPOTENCY_KEY_REUSED: 422,
    Code.WRITE_UNDER_WAY: 409,
    Code.ANSWER_NOT_KEPT: 409,
    Code.ALREADY_ANSWERED: 409,
    Code.DATABASE_UNREACHABLE: 503,
    Code.BUSY: 503,
    Code.TOO_SLOW: 503,
    Code.NOT_READY: 503,
    Code.NOT_FOUND: 404,
    Code.UNAUTHENTICATED: 401,
    Code.MISSING_SCOPE: 403,
    Code.TOO_MANY_TRIES: 429,
    Code.PROVIDER_UNREACHABLE: 503,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.TOO_MANY_REQUESTS: 429,
    Code.WRONG_HOST: 421,
    Code.NOT_HTTP: 400,
    Code.TOO_LATE: 408,
    Code.CROSS_SITE: 403,
    Code.INTERNAL: 500,
}
"""The HTTP status of each; rFMS has its own for parameters."""
