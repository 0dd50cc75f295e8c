package notify

import (
	"netmon/notify/policy"
	"netmon/wire"
)

// Grants are what the settings of channels ask for: each of their references, at each
// place that they name. They are for channels whose author is the owner of this host.
func Grants(channels []wire.Channel) (out []policy.Grant) {
	for i := range channels {
		c, err := build(&channels[i])
		if err != nil {
			continue // which is reported where it is saved
		}
		for _, to := range c.sender.To() {
			dest, err := policy.ParseDestination(inText.ReplaceAllString(string(to), "x"))
			if wholeReference(string(to)) {
				whole := policy.Grant{Reference: string(to)}
				out = append(out, whole)
				dest, err = whole.Leads()
			}
			if err != nil {
				continue
			}
			for _, ref := range c.refs {
				out = append(out, policy.Grant{Reference: ref, To: dest})
			}
		}
	}
	return out
}
