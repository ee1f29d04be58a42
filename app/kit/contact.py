"""Names, email addresses and phone numbers: checked, in one canonical form, ready to be looked up by hash."""

import unicodedata

DEFAULT_REGION = "IN"
MAXIMUM_EMAIL_LENGTH = 254


class InvalidContact(ValueError):
    """The message is written for the person who typed the value."""


def parse_email(text: str) -> str:
    """The address in canonical form (domain in lower case), or InvalidContact."""
    # As long in loading as all of `kit` together: whoever starts need not wait for it, nor whoever only looks.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        return validate_email(text.strip(), check_deliverability=False, strict=True, allow_smtputf8=False).normalized
    except EmailNotValidError as error:
        raise InvalidContact("Enter an email address like name@example.com.") from error


def parse_phone(text: str, region: str = DEFAULT_REGION) -> str:
    """The number in E.164 (`+919876543210`), or InvalidContact; without a country code it is read as of `region`."""
    import phonenumbers  # noqa: PLC0415 - see `parse_email`

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise InvalidContact("Enter a phone number like 98765 43210 or +44 20 7946 0958.") from error
    if not phonenumbers.is_valid_number(number) or number.extension:
        raise InvalidContact("Check the phone number: it does not exist in this form.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def format_phone(e164: str) -> str:
    """As it is read aloud: `+91 98765 43210`. An erased one is as it is."""
    import phonenumbers  # noqa: PLC0415 - see `parse_email`

    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def fold(text: str) -> str:
    """The form in which names and addresses are compared: no case, no accents, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(plain.casefold().split())


def name_words(name: str) -> set[str]:
    """The folded words of a name that a search may ask for."""
    return set("".join(map(_part_of_word, fold(name))).split())


def _part_of_word(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":
        # Shapes its neighbours (as between the letters of क्‍ष), but is nothing one types.
        return ""
    # Vowel signs of Indian scripts are marks, and belong to the word.
    return character if character.isalnum() or category.startswith("M") else " "
