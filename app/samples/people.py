"""Names to draw from. Phone numbers are of a range that no operator has handed out."""

from dataclasses import dataclass
from random import Random

FIRST_NAMES = (
    "Aarav",
    "Aditi",
    "Aisha",
    "Akash",
    "Ananya",
    "Arjun",
    "Deepa",
    "Devika",
    "Farhan",
    "Gauri",
    "Harish",
    "Isha",
    "Jaya",
    "Kabir",
    "Karthik",
    "Kavya",
    "Lakshmi",
    "Manish",
    "Meera",
    "Mohan",
    "Nadia",
    "Neha",
    "Nikhil",
    "Pooja",
    "Priya",
    "Rahul",
    "Rajesh",
    "Ravi",
    "Ritu",
    "Rohan",
    "Sana",
    "Sanjay",
    "Shalini",
    "Simran",
    "Sneha",
    "Suresh",
    "Tanvi",
    "Uma",
    "Varun",
    "Vikram",
    "Vivek",
    "Yash",
    "Zara",
    "Zubin",
)
LAST_NAMES = (
    "Agarwal",
    "Ahmed",
    "Bhat",
    "Bose",
    "Chopra",
    "Das",
    "Deshmukh",
    "Fernandes",
    "Ghosh",
    "Gupta",
    "Iyer",
    "Jain",
    "Joshi",
    "Kapoor",
    "Khan",
    "Kulkarni",
    "Kumar",
    "Mehta",
    "Menon",
    "Mishra",
    "Nair",
    "Naidu",
    "Pai",
    "Patel",
    "Pillai",
    "Rao",
    "Reddy",
    "Saxena",
    "Sen",
    "Shah",
    "Sharma",
    "Shetty",
    "Singh",
    "Sinha",
    "Thomas",
    "Varma",
    "Verma",
)
REQUIREMENTS = (
    "I need this done before the end of the month.",
    "Please call me after 4 pm on weekdays.",
    "I have most of the papers and can send scans.",
    "My previous consultant stopped answering. Please take over.",
    "This is for a new shop that opens in three weeks.",
    "There are two partners. Both would like to be on the call.",
    "I am not sure which documents are needed. Please tell me.",
    "The last notice is attached to my email. I would like to answer it in time.",
)


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    full_name: str
    email: str
    phone: str
    requirements: str


def make_customer(random: Random, number: int) -> SampleCustomer:
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    return SampleCustomer(
        full_name=f"{first} {last}",
        email=f"{first}.{last}{number}@example.org".lower(),
        phone=f"+9170000{number % 100_000:05d}",
        requirements=random.choice(REQUIREMENTS),
    )
