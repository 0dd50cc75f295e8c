package udp

import (
	"netmon/wire"
)

// limits bound the options and what is read from targets.
var limits = []wire.Limit{
	{What: "udp: `count`", Most: maxCount, Unit: "packets", Beyond: "refused"},
}
