package icmp

import (
	"netmon/wire"
)

// limits bound the options and what is read from targets.
var limits = []wire.Limit{
	{What: "icmp: `count`", Most: maxCount, Unit: "packets", Beyond: "refused"},
	{What: "icmp: sockets that all monitors share, of one IP family", Most: mostSockets, Unit: "sockets", Beyond: "runs continue on the newest"},
}
