/* The providers that are compiled in: the statements of a provider block. Every fact was read in a source
 * named with it, with the day it was read or, where the source says one, the day it was written; what no
 * source says is left out, and nothing is concluded from that. */

#include "conf/reader.h"

/* clang-format off */
#define TEXT(...) #__VA_ARGS__

const struct provider_text provider_texts[] = {
{"1984", TEXT(
        title "1984 Hosting";
        source "a public Knot configuration (somebody else's, not the provider's)" "2026-11-21";
        also-notify { 93.95.224.6; };
        transfer-from { 93.95.224.6; };
)},
{"afraid", TEXT(
        title "FreeDNS (afraid.org)";
        source "a public Knot configuration (somebody else's, not the provider's)" "2026-11-21";
        also-notify { 69.65.50.192; };
        transfer-from { 69.65.50.192; };
        nameservers { "ns2.afraid.org"; };
        ipv6 no;
)},
{"akamai", TEXT(
        title "Akamai Edge DNS";
        source "https://techdocs.akamai.com/edge-dns/docs/config-second-zones" "2026-11-21";
        source "https://learn.akamai.com (Restrict zone transfers to the zone transfer agents)" "2026-11-21";
        addresses-at "Akamai Control Center: firewall notices of Edge DNS Zone Transfer Agents; no public list";
        tsig yes;
        ixfr yes;
        minimum-ttl 300;
        form { "Zone" zone; "Masters" addresses; "TSIG key name" key-name; "TSIG algorithm" key-algorithm; "TSIG secret" key-secret; };
        note "Subscribe to the firewall notices for Edge DNS Zone Transfer Agents, and let them in over UDP and TCP; until you have the list, a key with transfer-from { any; } serves.";
        note "TTLs below 300 s are raised to 300 s in secondary zones. Masters are given by address only.";
        note "With Sign and Serve, Akamai signs the zone itself.";
)},
{"alibaba", TEXT(
        title "Alibaba Cloud DNS";
        source "Alibaba Cloud DNS documentation: Secondary DNS" "2026-11-21";
        addresses-at "the console: Secondary DNS shows two NOTIFY addresses of your account; a key with transfer-from { any; }; serves for transfers";
        tsig yes;
        tsig-algorithms { hmac-md5; hmac-sha1; hmac-sha256; };
        ixfr yes;
        dnssec no;
        form { "Primary DNS Server IP" addresses; "TSIG Key Type" key-hash; "TSIG Key Name" key-name; "TSIG Key Value" key-secret; "IP addresses that send NOTIFY" notify-address; };
        note "The Ultimate Edition only. Records cannot be edited there once it is a secondary.";
        note "The NOTIFY addresses of the console belong into also-notify { ADDRESS; ADDRESS; };.";
        note "A NOTIFY from an address that is not registered there is refused: set notify-source.";
        note "Blocked on its page means: no connection to this primary. Check the form, that this primary runs and is reachable from the public network, and zonecrier doctor.";
        note "To speed up: Manually Trigger Synchronization in DNS Settings. It can send an SMS when it cannot connect: keep stops shorter than RETRY.";
        note "The serial must be within 1 to 4294967295; zonecrier never publishes 0.";
)},
{"bind", TEXT(
        title "a server of your own (BIND, NSD, Knot, PowerDNS)";
        source "RFC 1995, RFC 1996, RFC 5936, RFC 8945" "2026-11-21";
        addresses-at "also-notify { ADDRESS; }; transfer-from { ADDRESS; }; nameservers { ADDRESS; };";
        tsig yes;
        ixfr yes;
        dnssec yes;
        ipv6 yes;
        form { "zone" zone; "primaries" addresses; "port" port; "key name" key-name; "algorithm" key-algorithm; "secret" key-secret; };
        note "NSD and Knot check the source address of a NOTIFY even when its key is right.";
        note "PowerDNS rejects a NOTIFY signed with a key that it does not know, where it would take an unsigned one: notify-key none;.";
)},
{"buddyns", TEXT(
        title "BuddyNS";
        source "docker-scripts-archived/bind9: settings.sh (somebody else's, not the provider's)" "2026-11-21";
        transfer-from { 173.244.206.26; 88.198.106.11; };
        addresses-at "its list of transfer servers, which changes: compare it";
)},
{"cloudflare", TEXT(
        title "Cloudflare Secondary DNS";
        source "https://developers.cloudflare.com/dns/zone-setups/zone-transfers/access-control-lists/cloudflare-ip-addresses/" "2026-11-21";
        source "https://developers.cloudflare.com/dns/zone-setups/zone-transfers/cloudflare-as-secondary/setup/" "2026-11-21";
        also-notify { 172.65.30.82; 172.65.50.145; 2606:4700:60:0:317:26ee:3bdf:5774; 2606:4700:60:0:35a:4be3:4144:c5ee; };
        transfer-from {
                104.30.167.163; 104.30.167.173; 2a09:bac0:1000:c47::/64;
                198.41.144.240/28 until "2026-12-01"; 198.41.150.240/28 until "2026-12-01";
                2a06:98c0:3601::/48 until "2026-12-01"; 2a06:98c0:1401::/48 until "2026-12-01";
        };
        addresses-at "its name servers are those of the zone's overview: nsNNNN.secondary.cloudflare.com";
        tsig yes;
        dnssec yes;
        ipv6 yes;
        refresh-by 86400;
        api-token yes;
        form { "Zone" zone; "Peer IP" address; "Peer port" port; "TSIG name" key-name; "TSIG algorithm" key-algorithm-dot; "TSIG secret" key-secret; };
        note "Enterprise plans only. It ignores REFRESH: its own zone refresh counts (auto_refresh_seconds, 86400 unless set, at least 300): say yours with refresh-by.";
        note "IXFR only where it is enabled at the peer. The name of the key has to be identical on both sides, in lower case.";
        note "The old addresses (198.41.144.240/28 and the like) end on 2026-12-01; since 2026-04-15 it asks from the new ones first.";
        note "A signed zone: choose pre-signed there, or live signing and strip-dnssec yes here.";
)},
{"cloudflare-records", TEXT(
        title "Cloudflare DNS records (API)";
        kind cloudflare-records;
        source "https://developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/" "2026-11-21";
        serial own;
        form { "Zone" zone; };
        note "Any plan. A token with Zone DNS Edit and Zone Read goes into the file of credentials.";
        note "SOA and apex NS are Cloudflare's own; records with proxied true are left alone.";
)},
{"cloudfloor", TEXT(
        title "CloudFloorDNS";
        source "https://cloudfloordns.com/?p=1994" "2026-11-21";
        addresses-at "its panel";
        tsig yes;
        ixfr yes;
)},
{"cloudns", TEXT(
        title "ClouDNS";
        source "https://www.cloudns.net/wiki/article/196" "2026-11-21";
        addresses-at "Primary Settings of the zone";
        note "Its guide for a hidden master: the NS records name its servers only, none of the primary.";
)},
{"dedibox", TEXT(
        title "Scaleway Dedibox";
        source "scaleway/docs-content: dedibox-dns/how-to/configure-secondary-dns" "2026-11-21";
        also-notify { 62.210.16.8; };
        transfer-from { 62.210.16.8; };
        tsig no;
)},
{"dnsimple", TEXT(
        title "DNSimple";
        source "dnsimple/dnsimple-support: secondary-dns-dnsimple-as-secondary, secondary-dns-dnsimple-with-hidden-primary" "2026-11-21";
        source "dnsimple/dnsimple-support: dnssec-and-secondary-dns" "2026-11-21";
        transfer-from { 3.12.234.2; 2600:1f16:ae2:e900:f05c:9438:865f:64a0; };
        notify no;
        refresh-by soa;
        first-transfer 30m;
        tsig no;
        dnssec no;
        ipv6 yes;
        form { "Name servers" nameservers; "Alias" secondary; "IP" address; "Port" port; };
        note "It publishes no address for NOTIFY; give it 10 to 30 minutes.";
        note "RRSIGs are not imported and signed zones break: it gets them without DNSSEC records.";
        note "Unlink and link the primary again to force a transfer.";
        note "Empty non-terminals and wildcards may be answered differently by different providers.";
)},
{"dnsmadeeasy", TEXT(
        title "DNS Made Easy, Constellix";
        source "dnsimple/dnsimple-support: secondary-dns-provider-dns-made-easy" "2026-11-21";
        addresses-at "its IP sets, in the panel";
        ipv6 no;
        note "It shows out of sync until the first transfer. IP sets can be used for many zones.";
)},
{"dyndns", TEXT(
        title "DynDNS Secondary DNS";
        source "DynDNS help: Secondary DNS" "2026-11-21";
        also-notify { 204.13.249.76; 208.78.69.76; 91.198.22.76; 203.62.195.76; };
        transfer-from { 204.13.249.76; 208.78.69.76; 91.198.22.76; 203.62.195.76; };
        nameservers { "ns2.mydyndns.org" required; "ns3.mydyndns.org"; "ns4.mydyndns.org"; "ns5.mydyndns.org"; };
        ipv6 no;
        subdomains no;
        first-transfer 2h;
        form { "Zone" zone; "IP Address of Primary Nameserver" address; };
        note "Let TCP and UDP port 53 in from its four addresses.";
        note "A change of the delegation takes up to an hour, the activation up to two; until the domain is delegated to it, it shows zone inactive and may not transfer.";
        note "Not retrieving? A firewall in front of this primary, or an address that transfer-from lacks.";
)},
{"easydns", TEXT(
        title "easyDNS";
        source "dnsimple/dnsimple-support: secondary-dns-provider-easy-dns" "2015-01-01";
        transfer-from { 64.68.200.91; };
        addresses-at "xfr0.easydns.com is its host for transfers: see that it has this address still";
        ipv6 no;
        first-transfer 1h;
        note "The first transfer takes up to an hour; zone cache shows what they hold.";
)},
{"fastly", TEXT(
        title "Fastly DNS (beta)";
        source "https://www.fastly.com/documentation/reference/api/dns/zones" "2026-11-21";
        addresses-at "its API: the list of NOTIFY addresses";
        ipv6 no;
)},
{"gandi", TEXT(
        title "Gandi (ns6.gandi.net)";
        source "https://docs.gandi.net/en/domain_names/advanced_users/secondary_nameserver.html" "2026-11-21";
        also-notify { 217.70.177.40; 2001:4b98:d:1::40; };
        transfer-from { 217.70.177.40; 2001:4b98:d:1::40; };
        nameservers { "ns6.gandi.net" required; };
        dnssec yes;
        ipv6 yes;
        first-transfer 1h;
        note "ns6.gandi.net has to be in the apex NS set before it asks.";
        note "It takes the first name server that is listed at Gandi as the primary and resolves it: a truly hidden primary may not fit.";
        note "30 to 60 minutes until it serves.";
)},
{"he", TEXT(
        title "Hurricane Electric Free DNS";
        source "egberts/egberts.github.io-src: isp-he-dns; several public configurations (not the provider's)" "2026-11-21";
        also-notify { 216.218.130.2; };
        transfer-from { 216.218.133.2; 2001:470:600::2; };
        nameservers { "ns1.he.net"; };
        tsig yes;
        ipv6 yes;
        first-transfer 1h;
        form { "Domain Name" zone; "Master #1" address; "Hash Algorithm" key-algorithm; "Key Name" key-name; "Secret" key-secret; };
        note "NOTIFY goes to ns1.he.net, transfers come from slave.dns.he.net: two different hosts.";
        note "Add a new slave; after about an hour the validate button tells how it stands. Up to three masters.";
)},
{"hetzner", TEXT(
        title "Hetzner DNS";
        source "https://docs.hetzner.com/networking/dns/howto-secondary-zones/dns-software" "2026-11-21";
        source "a public Knot configuration, for the addresses (not the provider's)" "2026-11-21";
        also-notify { 213.239.242.238; 213.133.100.103; 193.47.99.3; 2a01:4f8:0:a101::a:1; 2a01:4f8:0:1::5ddc:2; 2001:67c:192c::add:a3; };
        transfer-from { 213.239.242.238; 213.133.100.103; 193.47.99.3; 2a01:4f8:0:a101::a:1; 2a01:4f8:0:1::5ddc:2; 2001:67c:192c::add:a3; };
        tsig yes;
        tsig-algorithms { hmac-md5; hmac-sha1; hmac-sha256; };
        ixfr yes;
        ipv6 yes;
        form { "Zone" zone; "Primary name server" address; "Port" port; "TSIG algorithm" key-algorithm; "TSIG key" key-secret; };
        note "It has no field for the name of the key: find out which name it signs with before you rely on TSIG.";
        note "NOTIFY has to come from the address that answers the transfers. Subzones are not supported.";
        note "Its FAQ says that changes are taken in the refresh interval.";
)},
{"ibm-cis", TEXT(
        title "IBM Cloud Internet Services";
        source "IBM CIS documentation: Configuring secondary DNS" "2021-04-30";
        also-notify { 172.65.30.82; 172.65.50.145; 2606:4700:60:0:317:26ee:3bdf:5774; 2606:4700:60:0:35a:4be3:4144:c5ee; };
        transfer-from {
                104.30.167.163; 104.30.167.173; 2a09:bac0:1000:c47::/64;
                198.41.144.240/28 until "2026-12-01"; 198.41.150.240/28 until "2026-12-01";
                2a06:98c0:3601::/48 until "2026-12-01"; 2a06:98c0:1401::/48 until "2026-12-01";
        };
        source "https://developers.cloudflare.com/dns/zone-setups/zone-transfers/access-control-lists/cloudflare-ip-addresses/" "2026-11-21";
        tsig yes;
        ixfr yes;
        ipv6 yes;
        note "Cloudflare is underneath: its addresses are the ones that ask. The name of the key has to be in lower case, or transfers fail.";
)},
{"ionos", TEXT(
        title "IONOS Cloud DNS";
        source "https://docs.ionos.com (Cloud DNS: start zone transfer)" "2026-11-21";
        also-notify { 212.227.123.25; 2001:8d8:fe:53::5cd:25; };
        transfer-from { 212.227.123.25; 2001:8d8:fe:53::5cd:25; };
        ipv6 yes;
        note "TCP and UDP port 53. To speed up: Start zone transfer.";
)},
{"netactuate", TEXT(
        title "NetActuate Secondary DNS";
        source "https://netactuate.com/docs/networking/domains/secondary-dns" "2026-11-21";
        addresses-at "its support";
        notify no;
        refresh-by soa;
)},
{"nic-ru", TEXT(
        title "RU-CENTER (nic.ru)";
        source "https://www.nic.ru/help/secondary-dns-setup_13057.html" "2026-11-21";
        also-notify { "ns4-l2-n.nic.ru"; "ns8-l2-n.nic.ru"; };
        transfer-from { 91.217.20.0/26; 91.217.21.0/26; 194.226.96.192/28; 31.177.66.192/28; };
        refresh-minimum 1h;
        ipv6 no;
        note "The NOTIFY hosts are those for zones of the second level; deeper ones have ns4-l*.nic.ru, ns8-l*.nic.ru.";
        note "Without NOTIFY it follows REFRESH, but asks no more than once an hour.";
)},
{"ns1", TEXT(
        title "IBM NS1 Connect";
        source "https://www.ibm.com/docs/en/ns1-connect (Configuring NS1 Connect as a secondary DNS provider)" "2026-11-21";
        transfer-from { 192.135.223.10; };
        addresses-at "the zone's page there: the NOTIFY address, and the source where your network is not network 0";
        tsig yes;
        ixfr yes;
        dnssec yes;
        ipv6 no;
        form { "Zone" zone; "Primary IP" address; "Port" port; "TSIG hash" key-algorithm; "TSIG key name" key-name; "TSIG key" key-secret; };
        note "It balances its questions over all primaries that it knows: they have to agree on serials.";
)},
{"oci", TEXT(
        title "Oracle Cloud Infrastructure DNS (Dyn Managed DNS)";
        source "https://docs.oracle.com/en-us/iaas/Content/DNS/Tasks/zone-update.htm" "2026-11-21";
        transfer-from { 208.78.68.65; 204.13.249.65; 2600:2001:0:1::65; 2600:2003:0:1::65; };
        addresses-at "the zone's page there: its transfer servers";
        tsig yes;
        ipv6 yes;
        primary-port 53;
        form { "Zone" zone; "Server" address; "TSIG key name" key-name; "TSIG algorithm" key-algorithm; "TSIG secret" key-secret; };
        note "The port of the primary has to be 53, or left out.";
)},
{"ovh", TEXT(
        title "OVHcloud (sdns2.ovh.net)";
        source "OVH guide: Adding a domain to secondary DNS on a Dedicated Server" "2018-06-13";
        transfer-from { 213.251.188.141; };
        nameservers { "sdns2.ovh.net"; };
        tsig no;
        apex-txt "ownercheck";
        form { "Domain name" zone; "IP address" address; };
        note "It wants to see a TXT record ownercheck.ZONE first, with the text that it shows, publicly resolvable.";
)},
{"puck", TEXT(
        title "puck.nether.net";
        source "docker-scripts-archived/bind9: settings.sh (somebody else's, not the provider's)" "2026-11-21";
        also-notify { 204.42.254.5; };
        transfer-from { 204.42.254.5; };
        nameservers { "puck.nether.net"; };
)},
{"rollernet", TEXT(
        title "Roller Network";
        source "https://acc.rollernet.us/help/dns/secondary.php" "2026-11-21";
        addresses-at "its list of servers";
        tsig yes;
        ixfr yes;
        first-transfer 1h;
        form { "Zone" zone; "Master" name-or-address; "TSIG key name" key-name; "TSIG algorithm" key-algorithm; "TSIG secret" key-secret; };
        note "The master by address or host name; a host name that fails to resolve is disabled there.";
)},
{"route53", TEXT(
        title "Amazon Route 53 (API)";
        kind route53;
        source "https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html" "2026-11-21";
        serial own;
        form { "Hosted zone" zone; };
        note "It takes no transfers: records are pushed. An access key with route53:ListHostedZonesByName, GetHostedZone, ListResourceRecordSets, ChangeResourceRecordSets and GetChange goes into the file of credentials.";
        note "SOA and apex NS are Route 53's own; aliases and weighted sets are left alone.";
)},
{"ultradns", TEXT(
        title "UltraDNS";
        source "https://ultra-portalstatic.ultradns.com/static/docs/Zone_xfer_ips_new.html" "2023-04-05";
        also-notify { 54.217.202.161; 107.21.214.87; 54.245.253.13; 23.21.48.87; 23.21.59.232; };
        transfer-from {
                23.21.200.163; 23.21.206.251; 50.112.240.144; 50.112.240.145; 54.75.253.83; 176.34.183.208; 52.201.103.62;
                52.87.134.132; 34.205.12.198; 52.201.155.234; 52.201.155.120; 52.39.68.132; 35.165.213.102; 52.10.123.90; 52.10.63.3;
        };
        tsig yes;
        form { "Zone" zone; "Primary name server" address; "TSIG key name" key-name; "TSIG algorithm" key-algorithm; "TSIG secret" key-secret; };
        note "Adding the zone transfers it at that moment: this primary has to answer AXFR then, or the zone is not added.";
        note "Its list of 2023-04-05; a later maintenance notice exists: compare the addresses.";
)},
{"wedos", TEXT(
        title "WEDOS DNS Secondary Servers";
        source "WEDOS help: DNS, Secondary Servers (AXFR)" "2026-11-21";
        transfer-from { 46.28.104.64/27; };
        notify no;
        refresh-by soa;
        tsig yes;
        ipv6 no;
        primary-port 53;
        subdomains no;
        form { "Domain name" zone; "Type" "secondary"; "Pattern" "no pattern"; "Primary IP" address; "TSIG name" key-name; "TSIG algorithm" key-algorithm; "TSIG key" key-secret; };
        note "It takes no NOTIFY: changes get there after the SOA's REFRESH, or RETRY behind a failure. To speed up: the button Schedule AXFR; it asks within minutes.";
        note "Save Changes, then Apply Changes: nothing is live before Apply.";
        note "One primary, by its IPv4 address; a domain as it is registered, without www or other subdomains.";
        note "TSIG is optional; name, algorithm and key have to equal those here.";
        note "Its API has the command dns-domain-add: on-event can call it for a new zone.";
)},
};
/* clang-format on */
const size_t provider_text_count = sizeof(provider_texts) / sizeof(provider_texts[0]);
