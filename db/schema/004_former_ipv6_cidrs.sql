-- The IPv6 block that a VPC or a subnet gave up last: what gave it up still shows it, as disassociated.
CREATE TABLE former_ipv6_cidrs (
    owner_id TEXT PRIMARY KEY,
    association_id TEXT NOT NULL,
    cidr TEXT NOT NULL
);
