package migrate

import (
	"fmt"
	"strings"
)

const maxName = 64 // of a monitor, as wire has it

// Names makes names of monitors: those of A-Z a-z 0-9 _ -, each given once. Two that only
// differ in case, or in - and _, would share the variable of a secret: they count as one. The
// number is that of the last check which has the name, with -2, -3 and so on.
type Names map[string]int

// Has says whether a check that is called text there would need another name than that.
func (n Names) Has(text string) bool { return n[variable(Names{}.Of(text))] > 0 }

// Drop gives a name back, of a check that is left out.
func (n Names) Drop(name string) { delete(n, variable(name)) }

// variable is the part of the name of an environment variable that a name becomes.
func variable(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Of is a name for a check that is called text there.
func (n Names) Of(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	base := strings.Trim(b.String(), "-")
	if base == "" {
		base = "check"
	}
	base = strings.TrimRight(base[:min(len(base), maxName)], "-")
	key := variable(base)
	if n[key] == 0 {
		n[key] = 1
		return base
	}
	for i := n[key] + 1; ; i++ {
		end := fmt.Sprintf("-%d", i)
		name := base[:min(len(base), maxName-len(end))] + end
		if n[variable(name)] == 0 {
			n[key], n[variable(name)] = i, 1
			return name
		}
	}
}
