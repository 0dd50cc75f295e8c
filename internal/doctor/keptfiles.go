package doctor

import (
	"fmt"

	"netmon/console"
	"netmon/internal/plural"
	"netmon/internal/timetext"
	"netmon/wire"
)

// examineKeptFiles looks at the folder that the leading controller keeps what is saved by.
func examineKeptFiles(f wire.KeptFiles) Finding {
	where := fmt.Sprintf("%s on %s", console.Printable(f.Folder), console.Printable(f.Host))
	switch {
	case f.Mistakes > 0:
		return Finding{"files of monitors", Problem, fmt.Sprintf("%s: %s, so nothing of it is saved since %s: %s", where, plural.Count(f.Mistakes, "mistake", "mistakes"), timetext.Zoned(f.Since), console.Printable(f.Problem)),
			"correct the files: the log of the controller has every mistake"}
	case f.Problem != "":
		return Finding{"files of monitors", Warning, fmt.Sprintf("%s: not saved since %s: %s", where, timetext.Zoned(f.Since), console.Printable(f.Problem)), "look at the log of the controller: it continues by itself once it can"}
	}
	return Finding{"files of monitors", OK, fmt.Sprintf("what is saved is as %s has it: %s, %s", where, plural.Count(f.Monitors, "monitor", "monitors"), plural.Count(f.Settings, "setting", "settings")), ""}
}
