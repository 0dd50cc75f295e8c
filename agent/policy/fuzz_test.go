package policy

import (
	"net/netip"
	"testing"

	"netmon/probes/kinds"
)

// FuzzAllow: no rule and no address ends the agent, and an address that is
// denied stays so inside of the IPv6 forms that lead to it.
func FuzzAllow(f *testing.F) {
	f.Add("10.0.0.0/8 ports 22,80-90", []byte{10, 0, 0, 1}, uint16(22))
	f.Add("any ports 1-65535", []byte{0, 0, 0, 0}, uint16(1))
	f.Add("2001:db8::/32", []byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, uint16(443))
	f.Add("fe80::1%eth0", []byte{169, 254, 1, 1}, uint16(0))
	f.Fuzz(func(t *testing.T, text string, raw []byte, port uint16) {
		file := Default()
		file.Targets.Deny = []string{text}
		p, err := New(file, kinds.All(), "file")
		a, ok := netip.AddrFromSlice(raw)
		if err != nil || !ok {
			return
		}
		denied := p.Allow("tcp", netip.AddrPortFrom(a, port)) != nil
		if !denied || !a.Is4() {
			return
		}
		b := a.As4()
		for name, in := range map[string][16]byte{
			"mapped":                   {10: 0xff, 0xff, b[0], b[1], b[2], b[3]},
			"NAT64":                    {0, 0x64, 0xff, 0x9b, 12: b[0], b[1], b[2], b[3]},
			"6to4":                     {0x20, 2, b[0], b[1], b[2], b[3]},
			"ISATAP":                   {0x20, 1, 0xd, 0xb8, 10: 0x5e, 0xfe, b[0], b[1], b[2], b[3]},
			"a local NAT64 of 48 bits": {0, 0x64, 0xff, 0x9b, 0, 1, b[0], b[1], 9: b[2], b[3]},
		} {
			if to := netip.AddrPortFrom(netip.AddrFrom16(in), port); p.Allow("tcp", to) == nil {
				t.Errorf("%q denies %s, and not %s (%s)", text, a, to, name)
			}
		}
	})
}
