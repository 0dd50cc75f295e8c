package tcp

import (
	"netmon/wire"
)

// limits bound the options and what is read from targets.
var limits = []wire.Limit{
	{What: "tcp: `steps`", Most: maxSteps, Unit: "steps", Beyond: "refused"},
	{What: "tcp: bytes to send in one step", Most: maxSend, Unit: "bytes", Beyond: "refused"},
	{What: "tcp: banner, and each answer (the greatest `max_bytes`)", Most: maxRead, Unit: "bytes", Beyond: "`limit`"},
	{What: "tcp: pieces that one answer comes in", Most: maxPieces, Unit: "reads", Beyond: "`limit`"},
	{What: "tcp: lines of one answer in a STARTTLS dialogue", Most: maxLines, Unit: "lines", Beyond: "`limit`"},
}
