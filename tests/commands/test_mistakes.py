"""A command that is called wrongly says so in one line, and what to do."""

import pytest


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create-user"], "Missing argument 'EMAIL'."),
        (["create-user", "asha@example.com"], "Missing option '--role'. Choose from: admin, operator,"),
        (["create-user", "asha@example.com", "--role", "king"], "'king' is not one of 'admin',"),
        (["create-user", "asha@example.com", "kavya@example.com", "--role", "viewer"], "unexpected extra argument"),
        (["create-user", "asha@example.com", "--rule", "viewer"], "No such option"),
        (["set-gateway", "stripe", "--mode", "production"], "'production' is not one of 'test', 'live'."),
        (["load-sample"], "Missing option '--requests'."),
        (["load-sample", "--requests", "many"], "'many' is not a valid integer range."),
        (["load-sample", "--requests", "0"], "0 is not in the range x>=1."),
        (["reconcile", "--days", "0"], "0 is not in the range x>=1."),
        (["worker", "now"], "unexpected extra argument (now)."),
    ],
)
def test_in_one_line_with_the_way_to_help(app, words, said):
    result = app.test_cli_runner().invoke(args=words)
    assert result.exit_code == 2
    [line] = result.output.splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert line.endswith(f"{words[0]} --help`.")


@pytest.mark.parametrize("name", ["x" * 201, "  ".join("x" * 201)])
def test_a_name_that_is_too_long_is_refused_and_nobody_is_made(app, session, name):
    result = app.test_cli_runner().invoke(args=["create-user", "asha@example.com", "--role", "viewer", "--name", name])
    assert (result.exit_code, result.output) == (1, "Error: Keep the name within 200 characters.\n")
