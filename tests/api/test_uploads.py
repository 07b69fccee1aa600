from __future__ import annotations

from tests.api.conftest import Api


def test_a_form_learns_whether_mails_are_sent(api: Api) -> None:
    assert api("GET", "/api/uploads/rules").body == {"notify": False}
    api.environment["MAIL_QUEUE_URL"] = "https://sqs.us-east-1.amazonaws.com/1/mail"
    assert api("GET", "/api/uploads/rules").body == {"notify": True}
