-- The schema as all migrations together leave it; a test proves that.
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    is_operator BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE access_keys (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    secret TEXT NOT NULL,
    active BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX access_keys_by_account ON access_keys (account_id);

CREATE TABLE zones (
    name TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    id TEXT NOT NULL
);

CREATE TABLE hosts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    architecture TEXT NOT NULL,
    state TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    certificate_sha256 TEXT NOT NULL,
    vcpus BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    disk_mib BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    storage_pool TEXT NOT NULL DEFAULT ''
);
CREATE INDEX hosts_by_storage_pool ON hosts (storage_pool) WHERE storage_pool <> '';
CREATE INDEX hosts_by_certificate ON hosts (certificate_sha256);

CREATE TABLE host_tokens (
    secret_sha256 TEXT PRIMARY KEY,
    zone TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    host_id TEXT NOT NULL,
    key_sha256 TEXT NOT NULL
);

CREATE TABLE images (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    architecture TEXT NOT NULL,
    location TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    format TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    virtual_size_bytes BIGINT NOT NULL,
    root_device_name TEXT NOT NULL,
    kernel_id TEXT NOT NULL,
    ramdisk_id TEXT NOT NULL,
    kernel_cmdline TEXT NOT NULL,
    is_public BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    deprecated_ms BIGINT NOT NULL DEFAULT 0,
    last_launched_ms BIGINT NOT NULL DEFAULT 0,
    boot_mode TEXT NOT NULL DEFAULT 'legacy-bios'
);
CREATE INDEX images_by_account ON images (account_id, region, name);
CREATE INDEX images_by_sha256 ON images (sha256);

CREATE TABLE key_pairs (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (account_id, region, name)
);

CREATE TABLE reservations (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE instances (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    reservation_id TEXT NOT NULL REFERENCES reservations (id),
    launch_index BIGINT NOT NULL,
    image_id TEXT NOT NULL,
    kernel_id TEXT NOT NULL,
    ramdisk_id TEXT NOT NULL,
    instance_type TEXT NOT NULL,
    architecture TEXT NOT NULL,
    vcpus BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    core_count BIGINT NOT NULL,
    threads_per_core BIGINT NOT NULL,
    key_name TEXT NOT NULL,
    client_token TEXT NOT NULL,
    disable_api_termination BIGINT NOT NULL,
    disable_api_stop BIGINT NOT NULL,
    terminate_on_shutdown BIGINT NOT NULL,
    root_device_name TEXT NOT NULL,
    root_volume_id TEXT NOT NULL,
    root_size_bytes BIGINT NOT NULL,
    root_attached_ms BIGINT NOT NULL,
    desired TEXT NOT NULL,
    generation BIGINT NOT NULL,
    skip_os_shutdown BIGINT NOT NULL,
    reboots_wanted BIGINT NOT NULL,
    guest_id TEXT NOT NULL,
    host_id TEXT NOT NULL REFERENCES hosts (id),
    launched_ms BIGINT NOT NULL,
    desired_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    overdue BIGINT NOT NULL,
    state_reason_code TEXT NOT NULL,
    state_reason TEXT NOT NULL,
    transition_reason TEXT NOT NULL,
    metadata_http_tokens TEXT NOT NULL DEFAULT 'optional',
    metadata_http_endpoint BIGINT NOT NULL DEFAULT 1,
    metadata_hop_limit BIGINT NOT NULL DEFAULT 1,
    metadata_tags BIGINT NOT NULL DEFAULT 0,
    metadata_http_ipv6 BIGINT NOT NULL DEFAULT 0,
    hostname_type TEXT NOT NULL DEFAULT 'ip-name',
    resource_name_dns_a BIGINT NOT NULL DEFAULT 0,
    resource_name_dns_aaaa BIGINT NOT NULL DEFAULT 0,
    public_key TEXT NOT NULL DEFAULT '',
    cpu_credits TEXT NOT NULL DEFAULT '',
    detailed_monitoring BIGINT NOT NULL DEFAULT 0,
    auto_recovery TEXT NOT NULL DEFAULT 'default',
    interrupts_wanted BIGINT NOT NULL DEFAULT 0,
    placement_group_id TEXT NOT NULL DEFAULT '',
    placement_group_name TEXT NOT NULL DEFAULT '',
    partition_number BIGINT NOT NULL DEFAULT 0,
    capacity_preference TEXT NOT NULL DEFAULT 'open',
    capacity_target TEXT NOT NULL DEFAULT '',
    tenancy TEXT NOT NULL DEFAULT 'default',
    affinity TEXT NOT NULL DEFAULT '',
    dedicated_host_id TEXT NOT NULL DEFAULT '',
    boot_mode TEXT NOT NULL DEFAULT 'legacy-bios',
    current_boot_mode TEXT NOT NULL DEFAULT 'legacy-bios',
    store_disks BIGINT NOT NULL DEFAULT 0,
    store_disk_bytes BIGINT NOT NULL DEFAULT 0,
    store_devices TEXT NOT NULL DEFAULT ''
);
CREATE INDEX instances_by_account ON instances (account_id, region, reservation_id, id);
CREATE INDEX instances_by_reservation ON instances (reservation_id);
CREATE INDEX instances_by_host ON instances (host_id);
CREATE INDEX instances_with_store ON instances (host_id) WHERE store_disks > 0 AND ended_ms = 0;
CREATE INDEX instances_living ON instances (account_id, region) WHERE ended_ms = 0;
CREATE INDEX instances_by_root_volume ON instances (root_volume_id);
CREATE INDEX instances_by_ended ON instances (ended_ms);
CREATE INDEX instances_by_desired ON instances (desired, ended_ms, desired_ms);
CREATE INDEX instances_by_placement_group ON instances (placement_group_id, id);
CREATE INDEX instances_by_tenancy ON instances (tenancy) WHERE tenancy <> 'default';

CREATE TABLE instance_user_data (
    instance_id TEXT PRIMARY KEY REFERENCES instances (id),
    data BLOB NOT NULL
);

CREATE TABLE guests (
    id TEXT PRIMARY KEY,
    instance_id TEXT NOT NULL REFERENCES instances (id),
    host_id TEXT NOT NULL REFERENCES hosts (id),
    vcpus BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    keeps_root BIGINT NOT NULL,
    observed TEXT NOT NULL,
    generation BIGINT NOT NULL,
    reboots_done BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    observed_ms BIGINT NOT NULL,
    interrupts_done BIGINT NOT NULL DEFAULT 0,
    capacity_reservation_id TEXT NOT NULL DEFAULT ''
);
CREATE INDEX guests_by_instance ON guests (instance_id);
CREATE INDEX guests_by_observed ON guests (observed);
CREATE INDEX guests_by_capacity_reservation ON guests (capacity_reservation_id) WHERE capacity_reservation_id <> '';

CREATE TABLE tags (
    resource_id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (resource_id, account_id, key)
);
CREATE INDEX tags_by_account ON tags (account_id, region, resource_id, key);

CREATE TABLE client_tokens (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    action TEXT NOT NULL,
    token TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    result_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, region, action, token)
);
CREATE INDEX client_tokens_by_age ON client_tokens (created_ms);

CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    account_id TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX events_by_resource ON events (resource_id, id);
CREATE INDEX events_by_age ON events (at_ms);

CREATE TABLE console_outputs (
    instance_id TEXT PRIMARY KEY REFERENCES instances (id),
    output BLOB NOT NULL,
    captured_ms BIGINT NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- VPCs and what is in them. Empty text means: none.
CREATE TABLE dhcp_options (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX dhcp_options_by_account ON dhcp_options (account_id, region, id);

CREATE TABLE dhcp_option_values (
    dhcp_options_id TEXT NOT NULL REFERENCES dhcp_options (id),
    key TEXT NOT NULL,
    position BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (dhcp_options_id, key, position)
);

CREATE TABLE vpcs (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    cidr TEXT NOT NULL,
    dhcp_options_id TEXT NOT NULL,
    is_default BIGINT NOT NULL,
    dns_support BIGINT NOT NULL,
    dns_hostnames BIGINT NOT NULL,
    network_address_usage_metrics BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    instance_tenancy TEXT NOT NULL DEFAULT 'default'
);
CREATE INDEX vpcs_by_account ON vpcs (account_id, region, id);
CREATE INDEX vpcs_by_dhcp_options ON vpcs (dhcp_options_id);

CREATE TABLE vpc_cidrs (
    id TEXT PRIMARY KEY,
    vpc_id TEXT NOT NULL REFERENCES vpcs (id),
    cidr TEXT NOT NULL,
    is_ipv6 BIGINT NOT NULL,
    is_primary BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX vpc_cidrs_by_vpc ON vpc_cidrs (vpc_id);
CREATE INDEX vpc_cidrs_by_cidr ON vpc_cidrs (cidr);

-- Which accounts got their default VPC (one that was deleted stays deleted), and their default set of DHCP options.
CREATE TABLE default_networks (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    dhcp_options_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, region)
);

CREATE TABLE subnets (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    vpc_id TEXT NOT NULL REFERENCES vpcs (id),
    cidr TEXT NOT NULL,
    default_for_az BIGINT NOT NULL,
    map_public_ip_on_launch BIGINT NOT NULL,
    assign_ipv6_address_on_creation BIGINT NOT NULL,
    hostname_type TEXT NOT NULL,
    resource_name_dns_a BIGINT NOT NULL,
    resource_name_dns_aaaa BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX subnets_by_account ON subnets (account_id, region, id);
CREATE INDEX subnets_by_vpc ON subnets (vpc_id);

CREATE TABLE subnet_ipv6_cidrs (
    id TEXT PRIMARY KEY,
    subnet_id TEXT NOT NULL REFERENCES subnets (id),
    cidr TEXT NOT NULL
);
CREATE INDEX subnet_ipv6_cidrs_by_subnet ON subnet_ipv6_cidrs (subnet_id);

-- The IPv6 block that a VPC or a subnet gave up last: what gave it up still shows it, as disassociated.
CREATE TABLE former_ipv6_cidrs (
    owner_id TEXT PRIMARY KEY,
    association_id TEXT NOT NULL,
    cidr TEXT NOT NULL
);

CREATE TABLE internet_gateways (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    vpc_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX internet_gateways_by_account ON internet_gateways (account_id, region, id);
CREATE INDEX internet_gateways_by_vpc ON internet_gateways (vpc_id);

CREATE TABLE egress_only_internet_gateways (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    vpc_id TEXT NOT NULL REFERENCES vpcs (id),
    created_ms BIGINT NOT NULL
);
CREATE INDEX egress_only_internet_gateways_by_account ON egress_only_internet_gateways (account_id, region, id);
CREATE INDEX egress_only_internet_gateways_by_vpc ON egress_only_internet_gateways (vpc_id);

-- deleted_ms 0: not asked to go.
CREATE TABLE nat_gateways (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    vpc_id TEXT NOT NULL,
    subnet_id TEXT NOT NULL,
    connectivity_type TEXT NOT NULL,
    state TEXT NOT NULL,
    network_interface_id TEXT NOT NULL,
    allocation_id TEXT NOT NULL,
    association_id TEXT NOT NULL,
    private_ip TEXT NOT NULL,
    public_ip TEXT NOT NULL,
    failure_code TEXT NOT NULL,
    failure_message TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    deleted_ms BIGINT NOT NULL
);
CREATE INDEX nat_gateways_by_account ON nat_gateways (account_id, region, id);
CREATE INDEX nat_gateways_by_vpc ON nat_gateways (vpc_id);
CREATE INDEX nat_gateways_by_state ON nat_gateways (state);

CREATE TABLE route_tables (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    vpc_id TEXT NOT NULL REFERENCES vpcs (id),
    created_ms BIGINT NOT NULL
);
CREATE INDEX route_tables_by_account ON route_tables (account_id, region, id);
CREATE INDEX route_tables_by_vpc ON route_tables (vpc_id);

-- An association without a subnet is the VPC's main one.
CREATE TABLE route_table_associations (
    id TEXT PRIMARY KEY,
    route_table_id TEXT NOT NULL REFERENCES route_tables (id),
    vpc_id TEXT NOT NULL REFERENCES vpcs (id),
    subnet_id TEXT NOT NULL,
    UNIQUE (vpc_id, subnet_id)
);
CREATE INDEX route_table_associations_by_table ON route_table_associations (route_table_id);

-- Routes that were created; the local ones follow from the VPC's CIDRs.
CREATE TABLE routes (
    route_table_id TEXT NOT NULL REFERENCES route_tables (id),
    destination TEXT NOT NULL,
    target_type TEXT NOT NULL,
    target_id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    PRIMARY KEY (route_table_id, destination)
);
CREATE INDEX routes_by_target ON routes (target_id);
CREATE INDEX routes_by_destination ON routes (destination);

-- The accepter may be an account that is not there: such a request fails like one to a VPC that is not there.
CREATE TABLE vpc_peerings (
    id TEXT PRIMARY KEY,
    requester_account_id TEXT NOT NULL REFERENCES accounts (id),
    requester_region TEXT NOT NULL,
    requester_vpc_id TEXT NOT NULL,
    requester_cidrs TEXT NOT NULL,
    requester_dns BIGINT NOT NULL,
    accepter_account_id TEXT NOT NULL,
    accepter_region TEXT NOT NULL,
    accepter_vpc_id TEXT NOT NULL,
    accepter_cidrs TEXT NOT NULL,
    accepter_dns BIGINT NOT NULL,
    status TEXT NOT NULL,
    status_message TEXT NOT NULL,
    link_number BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL
);
CREATE INDEX vpc_peerings_by_requester ON vpc_peerings (requester_account_id, requester_region, id);
CREATE INDEX vpc_peerings_by_accepter ON vpc_peerings (accepter_account_id, accepter_region, id);
CREATE INDEX vpc_peerings_by_status ON vpc_peerings (status, expires_ms);
CREATE INDEX vpc_peerings_by_requester_vpc ON vpc_peerings (requester_vpc_id);
CREATE INDEX vpc_peerings_by_accepter_vpc ON vpc_peerings (accepter_vpc_id);

CREATE TABLE network_acls (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    vpc_id TEXT NOT NULL REFERENCES vpcs (id),
    is_default BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX network_acls_by_account ON network_acls (account_id, region, id);
CREATE INDEX network_acls_by_vpc ON network_acls (vpc_id);

CREATE TABLE network_acl_entries (
    network_acl_id TEXT NOT NULL REFERENCES network_acls (id),
    is_egress BIGINT NOT NULL,
    rule_number BIGINT NOT NULL,
    protocol TEXT NOT NULL,
    allow BIGINT NOT NULL,
    cidr TEXT NOT NULL,
    icmp_type BIGINT NOT NULL,
    icmp_code BIGINT NOT NULL,
    from_port BIGINT NOT NULL,
    to_port BIGINT NOT NULL,
    PRIMARY KEY (network_acl_id, is_egress, rule_number)
);

CREATE TABLE network_acl_associations (
    id TEXT PRIMARY KEY,
    network_acl_id TEXT NOT NULL REFERENCES network_acls (id),
    subnet_id TEXT NOT NULL REFERENCES subnets (id),
    UNIQUE (subnet_id)
);
CREATE INDEX network_acl_associations_by_acl ON network_acl_associations (network_acl_id);

CREATE TABLE security_groups (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    vpc_id TEXT NOT NULL REFERENCES vpcs (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (vpc_id, name)
);
CREATE INDEX security_groups_by_account ON security_groups (account_id, region, id);

CREATE TABLE security_group_rules (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    group_id TEXT NOT NULL REFERENCES security_groups (id),
    is_egress BIGINT NOT NULL,
    protocol TEXT NOT NULL,
    from_port BIGINT NOT NULL,
    to_port BIGINT NOT NULL,
    cidr TEXT NOT NULL,
    prefix_list_id TEXT NOT NULL,
    referenced_group_id TEXT NOT NULL,
    referenced_account_id TEXT NOT NULL,
    referenced_vpc_id TEXT NOT NULL,
    vpc_peering_id TEXT NOT NULL,
    description TEXT NOT NULL
);
CREATE INDEX security_group_rules_by_account ON security_group_rules (account_id, region, id);
CREATE INDEX security_group_rules_by_group ON security_group_rules (group_id);
CREATE INDEX security_group_rules_by_referenced ON security_group_rules (referenced_group_id);
CREATE INDEX security_group_rules_by_prefix_list ON security_group_rules (prefix_list_id);

CREATE TABLE prefix_lists (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    address_family TEXT NOT NULL,
    max_entries BIGINT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX prefix_lists_by_account ON prefix_lists (account_id, region, id);

-- Every version is kept whole, so that an earlier one can be brought back.
CREATE TABLE prefix_list_entries (
    prefix_list_id TEXT NOT NULL REFERENCES prefix_lists (id),
    version BIGINT NOT NULL,
    cidr TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (prefix_list_id, version, cidr)
);

-- instance_id and attachment_id: of the attachment, if there is one. auto_public_ip: whether the interface gets an
-- address of the public pool whenever its instance starts.
CREATE TABLE network_interfaces (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    vpc_id TEXT NOT NULL REFERENCES vpcs (id),
    subnet_id TEXT NOT NULL REFERENCES subnets (id),
    port_uuid TEXT NOT NULL,
    mac TEXT NOT NULL,
    interface_type TEXT NOT NULL,
    description TEXT NOT NULL,
    requester_id TEXT NOT NULL,
    source_dest_check BIGINT NOT NULL,
    public_ip TEXT NOT NULL,
    attachment_id TEXT NOT NULL,
    attachment_state TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    device_index BIGINT NOT NULL,
    delete_on_termination BIGINT NOT NULL,
    attached_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    auto_public_ip BIGINT NOT NULL DEFAULT 0,
    UNIQUE (port_uuid)
);
CREATE INDEX network_interfaces_by_account ON network_interfaces (account_id, region, id);
CREATE INDEX network_interfaces_by_subnet ON network_interfaces (subnet_id);
CREATE INDEX network_interfaces_by_vpc ON network_interfaces (vpc_id);
CREATE INDEX network_interfaces_by_instance ON network_interfaces (instance_id, device_index);
CREATE INDEX network_interfaces_by_attachment ON network_interfaces (attachment_id);

CREATE TABLE network_interface_addresses (
    subnet_id TEXT NOT NULL REFERENCES subnets (id),
    address TEXT NOT NULL,
    network_interface_id TEXT NOT NULL REFERENCES network_interfaces (id),
    is_ipv6 BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (subnet_id, address)
);
CREATE INDEX network_interface_addresses_by_interface ON network_interface_addresses (network_interface_id, position);

CREATE TABLE network_interface_groups (
    network_interface_id TEXT NOT NULL REFERENCES network_interfaces (id),
    group_id TEXT NOT NULL REFERENCES security_groups (id),
    position BIGINT NOT NULL,
    PRIMARY KEY (network_interface_id, group_id)
);
CREATE INDEX network_interface_groups_by_group ON network_interface_groups (group_id);

-- Elastic addresses.
CREATE TABLE addresses (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    public_ip TEXT NOT NULL,
    association_id TEXT NOT NULL,
    network_interface_id TEXT NOT NULL,
    private_ip TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (public_ip)
);
CREATE INDEX addresses_by_account ON addresses (account_id, region, id);
CREATE INDEX addresses_by_interface ON addresses (network_interface_id);
CREATE INDEX addresses_by_association ON addresses (association_id);

-- What is taken of the operator's public pools: by elastic addresses, by interfaces that were given one at launch, and
-- by routers of VPCs with a gateway.
CREATE TABLE public_ips (
    address TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL
);
CREATE INDEX public_ips_by_owner ON public_ips (owner_id);

-- Empty text and 0: no preference.
CREATE TABLE instance_metadata_defaults (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    http_tokens TEXT NOT NULL,
    http_endpoint TEXT NOT NULL,
    hop_limit BIGINT NOT NULL,
    instance_tags TEXT NOT NULL,
    PRIMARY KEY (account_id, region)
);

-- What the operator allows an account in each region; -1: what the configuration allows everybody.
CREATE TABLE account_limits (
    account_id TEXT PRIMARY KEY REFERENCES accounts (id),
    instances BIGINT NOT NULL,
    vcpus BIGINT NOT NULL,
    elastic_ips BIGINT NOT NULL
);

-- Who else may launch an image, besides its owner and, if it is public, everybody.
CREATE TABLE image_launch_permissions (
    image_id TEXT NOT NULL REFERENCES images (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (image_id, account_id)
);
CREATE INDEX image_launch_permissions_by_account ON image_launch_permissions (account_id);

-- Launch templates. latest_version: the greatest there is; last_version: the greatest there ever was.
CREATE TABLE launch_templates (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    default_version BIGINT NOT NULL,
    latest_version BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (account_id, region, name)
);
CREATE INDEX launch_templates_by_account ON launch_templates (account_id, region, id);

CREATE TABLE launch_template_versions (
    launch_template_id TEXT NOT NULL REFERENCES launch_templates (id),
    version BIGINT NOT NULL,
    description TEXT NOT NULL,
    data TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (launch_template_id, version)
);

-- Instances name the one that they are in.
CREATE TABLE placement_groups (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    strategy TEXT NOT NULL,
    partition_count BIGINT NOT NULL,
    spread_level TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (account_id, region, name)
);
CREATE INDEX placement_groups_by_account ON placement_groups (account_id, region, id);

-- EC2 Fleets of the type instant. request: what CreateFleet was asked for, as a form.
CREATE TABLE fleets (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    client_token TEXT NOT NULL,
    request TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    deleted_ms BIGINT NOT NULL
);
CREATE INDEX fleets_by_deleted ON fleets (deleted_ms);

-- Each launch that was tried, in order; config and choice count the request's configurations and overrides from 0.
CREATE TABLE fleet_launches (
    fleet_id TEXT NOT NULL REFERENCES fleets (id),
    position BIGINT NOT NULL,
    config BIGINT NOT NULL,
    choice BIGINT NOT NULL,
    instance_type TEXT NOT NULL,
    error_code TEXT NOT NULL,
    error_message TEXT NOT NULL,
    PRIMARY KEY (fleet_id, position)
);

CREATE TABLE fleet_instances (
    fleet_id TEXT NOT NULL REFERENCES fleets (id),
    instance_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (fleet_id, instance_id)
);

-- Room held for instances before they are launched, the hosts that hold it, and who is in it.
CREATE TABLE capacity_reservations (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    instance_type TEXT NOT NULL,
    architecture TEXT NOT NULL,
    platform TEXT NOT NULL,
    tenancy TEXT NOT NULL,
    vcpus BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    instance_count BIGINT NOT NULL,
    match_criteria TEXT NOT NULL,
    state TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL
);
CREATE INDEX capacity_reservations_by_account ON capacity_reservations (account_id, region, id);
CREATE INDEX capacity_reservations_by_state ON capacity_reservations (state, end_ms);

CREATE TABLE capacity_reservation_rooms (
    reservation_id TEXT NOT NULL REFERENCES capacity_reservations (id),
    host_id TEXT NOT NULL REFERENCES hosts (id),
    instances BIGINT NOT NULL,
    PRIMARY KEY (reservation_id, host_id)
);

-- Machines that one account has to itself, and which of them an instance is bound to.
CREATE TABLE dedicated_hosts (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    host_id TEXT NOT NULL REFERENCES hosts (id),
    instance_type TEXT NOT NULL,
    instance_family TEXT NOT NULL,
    auto_placement BIGINT NOT NULL,
    client_token TEXT NOT NULL,
    allocated_ms BIGINT NOT NULL,
    released_ms BIGINT NOT NULL
);
CREATE INDEX dedicated_hosts_by_account ON dedicated_hosts (account_id, region, id);
CREATE UNIQUE INDEX dedicated_hosts_by_machine ON dedicated_hosts (host_id) WHERE released_ms = 0;

CREATE TABLE volumes (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    host_id TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    type TEXT NOT NULL,
    iops BIGINT NOT NULL,
    throughput BIGINT NOT NULL,
    image_id TEXT NOT NULL,
    made BIGINT NOT NULL,
    deleting BIGINT NOT NULL,
    modifying BIGINT NOT NULL,
    auto_enable_io BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    instance_id TEXT NOT NULL,
    is_root BIGINT NOT NULL,
    attachment_state TEXT NOT NULL,
    device TEXT NOT NULL,
    attached_ms BIGINT NOT NULL,
    delete_on_termination BIGINT NOT NULL,
    snapshot_id TEXT NOT NULL DEFAULT '',
    below_id TEXT NOT NULL DEFAULT '',
    cuts BIGINT NOT NULL DEFAULT 0,
    key_id TEXT NOT NULL DEFAULT '',
    flat BIGINT NOT NULL DEFAULT -1
);
CREATE INDEX volumes_by_account ON volumes (account_id, region, id);
CREATE INDEX volumes_by_host ON volumes (host_id, size_bytes);
CREATE INDEX volumes_by_instance ON volumes (instance_id);
CREATE INDEX volumes_worth_telling ON volumes (instance_id) WHERE is_root = 0 OR delete_on_termination = 0;
CREATE INDEX volumes_by_below ON volumes (below_id) WHERE below_id <> '';
CREATE INDEX volumes_by_key ON volumes (key_id) WHERE key_id <> '';

CREATE TABLE volume_modifications (
    id TEXT PRIMARY KEY REFERENCES volumes (id),
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    original_size_bytes BIGINT NOT NULL,
    original_type TEXT NOT NULL,
    original_iops BIGINT NOT NULL,
    original_throughput BIGINT NOT NULL,
    target_size_bytes BIGINT NOT NULL,
    target_type TEXT NOT NULL,
    target_iops BIGINT NOT NULL,
    target_throughput BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL
);
CREATE INDEX volume_modifications_by_account ON volume_modifications (account_id, region, id);

CREATE TABLE snapshots (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    volume_id TEXT NOT NULL,
    volume_size_bytes BIGINT NOT NULL,
    parent_id TEXT NOT NULL,
    image_id TEXT NOT NULL,
    state TEXT NOT NULL,
    state_message TEXT NOT NULL,
    description TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    completed_ms BIGINT NOT NULL,
    host_id TEXT NOT NULL,
    cut BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    progress BIGINT NOT NULL,
    is_public BIGINT NOT NULL,
    key_id TEXT NOT NULL DEFAULT ''
);
CREATE INDEX snapshots_by_account ON snapshots (account_id, region, id);
CREATE INDEX snapshots_by_parent ON snapshots (parent_id);
CREATE INDEX snapshots_by_content ON snapshots (sha256);
CREATE INDEX snapshots_by_image ON snapshots (image_id);
CREATE INDEX snapshots_public ON snapshots (region, id) WHERE is_public = 1;
CREATE INDEX snapshots_by_host ON snapshots (host_id, volume_id, cut) WHERE host_id <> '';
CREATE INDEX snapshots_by_key ON snapshots (key_id) WHERE key_id <> '';

CREATE TABLE former_layers (
    sha256 TEXT PRIMARY KEY
);

CREATE TABLE snapshot_permissions (
    snapshot_id TEXT NOT NULL REFERENCES snapshots (id),
    account_id TEXT NOT NULL,
    PRIMARY KEY (snapshot_id, account_id)
);
CREATE INDEX snapshot_permissions_by_account ON snapshot_permissions (account_id);

CREATE TABLE image_disks (
    image_id TEXT NOT NULL REFERENCES images (id),
    device TEXT NOT NULL,
    snapshot_id TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    type TEXT NOT NULL,
    iops BIGINT NOT NULL,
    throughput BIGINT NOT NULL,
    delete_on_termination BIGINT NOT NULL,
    encrypted BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (image_id, device)
);
CREATE INDEX image_disks_by_snapshot ON image_disks (snapshot_id);

CREATE TABLE disk_keys (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    wrapped TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE encryption_by_default (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    PRIMARY KEY (account_id, region)
);

CREATE TABLE import_tasks (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    architecture TEXT NOT NULL,
    boot_mode TEXT NOT NULL,
    state TEXT NOT NULL,
    message TEXT NOT NULL,
    per_cent BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    image_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX import_tasks_by_account ON import_tasks (account_id, region, kind, id);
CREATE INDEX import_tasks_open ON import_tasks (created_ms, id) WHERE ended_ms = 0;

CREATE TABLE import_disks (
    task_id TEXT NOT NULL REFERENCES import_tasks (id),
    position BIGINT NOT NULL,
    description TEXT NOT NULL,
    device TEXT NOT NULL,
    format TEXT NOT NULL,
    url TEXT NOT NULL,
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    snapshot_id TEXT NOT NULL,
    PRIMARY KEY (task_id, position)
);

CREATE TABLE export_tasks (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    image_id TEXT NOT NULL,
    description TEXT NOT NULL,
    format TEXT NOT NULL,
    bucket TEXT NOT NULL,
    prefix TEXT NOT NULL,
    state TEXT NOT NULL,
    message TEXT NOT NULL,
    per_cent BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX export_tasks_by_account ON export_tasks (account_id, region, id);
CREATE INDEX export_tasks_open ON export_tasks (created_ms, id) WHERE ended_ms = 0;
