"""Addresses that nothing may be fetched from, for all that take one: the check, the API, the job.

Some are refused as they stand; of names only whoever connects sees where they lead.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from tests.debate_analyzer.test_address import NO_URLS, NOTATIONS, PRIVATE, notations

# Machines within, and what clouds put at fixed addresses: credentials, user data, DNS.
WITHIN = (
    *("127.0.0.1", "10.0.0.5", "172.31.0.2", "192.168.0.1", "100.64.0.1", "0.0.0.0"),
    "169.254.169.254",  # EC2, Google, Azure, DigitalOcean, OpenStack
    "169.254.170.2",  # ECS's credentials
    "169.254.169.253",  # Amazon's DNS
    "192.0.0.192",  # Oracle
    "100.100.100.200",  # Alibaba
    "168.63.129.16",  # Azure's wire server
)
PATHS = (
    "/latest/meta-data/iam/security-credentials/",
    "/computeMetadata/v1/?recursive=true",
    "/metadata/instance?api-version=2021-02-01",
)
_SCHEMES = (
    *("file", "ftp", "ftps", "sftp", "gopher", "dict", "ldap", "tftp", "smb", "jar", "data"),
    *("rtmp", "rtmps", "rtsp", "mms", "srt", "udp", "concat", "crypto", "pipe", "subfile"),
    *("s3", "gs", "ws", "wss", "netdoc", "phar", "ssh", "telnet", "hls+http", "ytsearch"),
)
_PORTS = (1, 21, 22, 25, 53, 81, 444, 2375, 3306, 5432, 6379, 8000, 8080, 9200, 11211, 65535)


def _literal(address: str) -> str:
    return f"[{address}]" if ":" in address else address


REFUSED = tuple(
    dict.fromkeys(
        [
            *NO_URLS,
            *NOTATIONS,
            *(f"https://{_literal(address)}/debate.mp4" for address in PRIVATE),
            *(f"http://{host}/" for ip in WITHIN for host in notations(IPv4Address(ip))),
            *(f"http://169.254.169.254{path}" for path in PATHS),
            *(f"http://[fd00:ec2::254]{path}" for path in PATHS),
            *(f"{scheme}://videos.example/debate.mp4" for scheme in _SCHEMES),
            *(f"http://videos.example:{port}/" for port in _PORTS),
            *(f"http://{ip}@videos.example/" for ip in WITHIN),
            *(f"http://videos.example:x@{ip}/" for ip in WITHIN),
            *(f"http://{ip}:8080/" for ip in WITHIN),
        ]
    )
)

# Names that somebody gave to an address within.
LEADS_WITHIN = {
    "localhost": "127.0.0.1",
    "localhost.localdomain": "::1",
    "metadata": "169.254.169.254",
    "metadata.google.internal": "169.254.169.254",
    "instance-data.ec2.internal": "169.254.169.254",
    "kubernetes.default.svc": "10.96.0.1",
    "127.0.0.1.nip.io": "127.0.0.1",
    "a9fea9fe.sslip.io": "169.254.169.254",
    "spoofed.burpcollaborator.net": "127.0.0.1",
    "printer.local": "192.168.1.20",
    "router.home.arpa": "192.168.0.1",
    "db.corp.example": "172.16.4.4",
    "six.example": "fd00:ec2::254",
    "mapped.example": "::ffff:169.254.169.254",
    "nat64.example": "64:ff9b::a9fe:a9fe",
    "xn--bcher-kva.example": "10.0.0.1",
}
