"""A certificate authority of our own: root, one between, and certificates as good or as bad as asked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

NAME = "messageverificationcerts.paypal.com"


@dataclass(frozen=True)
class Signer:
    """A key with its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, padding.PKCS1v15(), SHA256())


class Authority:
    def __init__(self) -> None:
        self.root = _make("Simulated Root", issuer=None, is_authority=True)
        self.between = _make("Simulated Issuer", issuer=self.root, is_authority=True)

    def issue(self, name: str = NAME, *, is_expired: bool = False, issuer_at: str | None = None) -> Signer:
        return _make(name, issuer=self.between, is_expired=is_expired, issuer_at=issuer_at)

    def chain(self, leaf: Signer) -> bytes:
        return leaf.pem + self.between.pem


def _make(
    name: str,
    *,
    issuer: Signer | None,
    is_authority: bool = False,
    is_expired: bool = False,
    issuer_at: str | None = None,
) -> Signer:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signing_key = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now - timedelta(days=1) if is_expired else now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    builder = _with_use(builder, name, is_authority=is_authority)
    if issuer_at:
        place = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer_at)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    return Signer(key, builder.sign(signing_key, SHA256()))


def _with_use(builder: x509.CertificateBuilder, name: str, *, is_authority: bool) -> x509.CertificateBuilder:
    use = x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
    builder = builder.add_extension(use, critical=True)
    if is_authority:
        return builder
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    served = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return builder.add_extension(names, critical=False).add_extension(served, critical=False)
