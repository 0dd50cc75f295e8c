package exec

import "netmon/wire"

// limits bound the options and what is read from programs.
var limits = []wire.Limit{
	{What: "exec: one of `args`, and one value of `env`", Most: maxArg, Unit: "bytes", Beyond: "refused"},
	{What: "exec: `stdin`", Most: maxStdin, Unit: "bytes", Beyond: "refused"},
	{What: "exec: output of a program that is read", Most: maxOutput, Unit: "bytes", Beyond: "dropped"},
	{What: "exec: output of a program", Most: maxFlood, Unit: "bytes", Beyond: "the program is killed: `program`"},
	{What: "exec: message of a program in a result; further lines have four times as much", Most: maxMessage, Unit: "bytes", Beyond: "cut"},
	{What: "exec: performance data of a result", Most: maxPerfdata, Unit: "values", Beyond: "counted"},
}
