package ntp

import (
	"netmon/wire"
)

// limits bound the options and what is read from targets.
var limits = []wire.Limit{
	{What: "ntp: `samples`", Most: maxSamples, Unit: "packets", Beyond: "refused"},
}
