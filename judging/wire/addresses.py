"""Which addresses may be called: anything http(s) except those that hand out a cloud machine's credentials.

Loopback and private networks are fine, as models are self-hosted there. Refused are link-local addresses and the
metadata services, in every spelling, and again at connect time, when a host name leads to one.
"""

import ipaddress
import re
import socket
import unicodedata
from urllib.parse import SplitResult, urlsplit

from judging.foundation.limits import MAX_URL

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_REFUSED_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local: AWS, Azure, GCP, OpenStack, ...
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure's wire server
        "192.0.0.192/32",  # Oracle Cloud
        "fe80::/10",
        "fd00:ec2::/32",  # AWS over IPv6
        "fd20:ce::/32",  # Google Cloud over IPv6
    )
)
_REFUSED_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
# What a translator makes IPv4 of: NAT64, and SIIT's IPv4-translated addresses.
_TRANSLATED = tuple(ipaddress.IPv6Network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96"))
_ALLOWED_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/\[\]@!$&'()*+,;=%?#]+")
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_\-.]*[a-z0-9_])?\.?")


class AddressRefused(ValueError):
    """No call goes there. The message is for people and repeats nothing secret."""


def check_address(base_url: str) -> None:
    """Check the address of an endpoint as it is written. Raise AddressRefused."""
    parts = _split(base_url)
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise AddressRefused("The address must not hold a user name or password: give the key in its own field.")
    if parts.query or "?" in base_url:
        raise AddressRefused("The address must not have a query string (the part after ?).")
    if parts.fragment or "#" in base_url:
        raise AddressRefused("The address must not have a fragment (the part after #).")
    host = (parts.hostname or "").rstrip(".")
    if not host:
        raise AddressRefused("The address names no host.")
    if host in _REFUSED_NAMES:
        raise AddressRefused("The address of a cloud metadata service can't be used.")
    if ip := _literal(host):
        check_ip(ip)
    elif ":" in host or not _HOST_NAME.fullmatch(host):
        raise AddressRefused("The address names no valid host.")


def check_ip(ip: IPAddress | str) -> None:
    """Check an address that a host name resolved to. Raise AddressRefused."""
    if isinstance(ip, str):
        ip = ipaddress.ip_address(ip.partition("%")[0])
    if any(inner in network for inner in _with_embedded(ip) for network in _REFUSED_NETWORKS):
        raise AddressRefused("Link-local addresses and cloud metadata services can't be used.")


def is_loopback(base_url: str) -> bool:
    """Tell whether an address leads to this machine, by its spelling."""
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    ip = _literal(host)
    if ip is None:
        return host == "localhost" or host.endswith(".localhost")
    return any(inner.is_loopback or inner.is_unspecified for inner in _with_embedded(ip))


def shown_address(base_url: str) -> str:
    """Return scheme, host, port and path of an address, "" where it is none: nothing in it can be a credential."""
    try:
        parts = _split(base_url)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return ""
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{parts.path}" if host else ""


def _split(base_url: str) -> SplitResult:
    if len(base_url) > MAX_URL:
        raise AddressRefused(f"The address is longer than {MAX_URL} characters.")
    if not re.match(r"(?i)https?://", base_url):
        raise AddressRefused("The address must begin with http:// or https://.")
    # One reading for all: what the parsers of this world disagree about (white space, backslashes, full-width dots) is out.
    if not _ALLOWED_CHARACTERS.fullmatch(base_url):
        raise AddressRefused("The address has characters that no address has; write international names as xn--.")
    try:
        parts = urlsplit(base_url)
        is_port_fine = parts.port != 0
    except ValueError:
        is_port_fine = False
    if not is_port_fine:
        raise AddressRefused("The address has no valid host and port.")
    return parts


def _literal(host: str) -> IPAddress | None:
    """Read a host as an IP address in any spelling that connect() would take, such as 0xa9fea9fe or 0251.254.43518."""
    host = unicodedata.normalize("NFKC", host).partition("%")[0]
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _with_embedded(ip: IPAddress) -> list[IPAddress]:
    """Return the address and the IPv4 address that it may carry."""
    found: list[IPAddress] = [ip]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            found.append(ip.ipv4_mapped)
        if ip.sixtofour:
            found.append(ip.sixtofour)
        if ip.teredo:
            found.extend(ip.teredo)
        if any(ip in network for network in _TRANSLATED) or int(ip) >> 32 == 0:
            found.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return found
