package reach

import "net/netip"

// Named are the networks that rules may call by a name.
//
// metadata are the addresses at which clouds hand their machines credentials,
// and their hosts' agents, beside the link-local ones, as the clouds document
// them (checked in 2026):
//
//	169.254.169.254      AWS, Azure, Google, Oracle, DigitalOcean, Hetzner, OpenStack and others
//	169.254.170.2, .23   AWS ECS task credentials, EKS Pod Identity
//	                     docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
//	fd00:ec2::254, ::23  AWS over IPv6, the same two
//	                     docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
//	fd20:ce::254         Google over IPv6: docs.cloud.google.com/compute/docs/metadata/querying-metadata
//	168.63.129.16        Azure's WireServer
//	                     learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
//	100.100.100.200, fd00:100::100:200   Alibaba Cloud: alibabacloud.com/help/ecs/user-guide/view-instance-metadata
//	192.0.0.192          Oracle Cloud Classic; fd00:c1::a9fe:a9fe Oracle over IPv6
//	                     docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm
//	fd00:a9fe:a9fe::1    Akamai (Linode): techdocs.akamai.com/cloud-computing/docs/overview-of-the-metadata-service
//	169.254.42.42, fd00:42::42   Scaleway: scaleway.com/en/developers/api/instances
//	100.96.0.96          Volcengine: volcengine.com/docs/6396/69137
//
// nat64-local are the prefixes that a network gives its own translators (RFC
// 8215). Where in such an address the IPv4 address stands, that network alone
// knows, and behind it is what nobody reaches by IPv6 else.
//
// The others are of RFC 1122, 1918, 3927, 4193, 4291, 5771 and 6598.
var Named = map[string][]netip.Prefix{
	"any": prefixes("0.0.0.0/0", "::/0"),
	"metadata": prefixes("169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "169.254.42.42/32", "168.63.129.16/32", "100.100.100.200/32",
		"100.96.0.96/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128", "fd00:100::100:200/128",
		"fd00:c1::a9fe:a9fe/128", "fd00:a9fe:a9fe::1/128", "fd00:42::42/128"),
	"link-local":  prefixes("169.254.0.0/16", "fe80::/10"),
	"nat64-local": prefixes("64:ff9b:1::/48"),
	"loopback":    prefixes("127.0.0.0/8", "::1/128"),
	"private":     prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
	"multicast":   prefixes("224.0.0.0/4", "255.255.255.255/32", "ff00::/8"),
}

// Never are the names that are denied unless a policy reopens a part of them.
var Never = []string{"metadata", "link-local", "nat64-local"}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
