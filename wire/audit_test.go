package wire

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAudit_Encode: what does not fit is left out, who did what to what stays.
func TestAudit_Encode(t *testing.T) {
	worst := strings.Repeat("<", MaxMessage)
	name := strings.Repeat("n", MaxToken)
	for what, a := range map[string]Audit{
		"short":          {Detail: "as it was", What: []string{name}},
		"a long change":  {Detail: worst[:MaxText], What: []string{name}},
		"a long error":   {Error: worst, What: []string{name}},
		"everything":     {Error: worst, Detail: worst, What: slices.Repeat([]string{name}, 50)},
		"too many names": {What: slices.Repeat([]string{name}, 1000)},
	} {
		a.At, a.By, a.Where, a.Did = time.Now().UTC(), name, name, "start"
		data, err := a.Encode()
		if err != nil || len(data) > MaxAudit {
			t.Errorf("%s: %d bytes, %v", what, len(data), err)
		}
		back, err := DecodeAudit("audit."+name, data)
		if err != nil || back.By != name || back.Did != "start" || len(back.What) == 0 || back.What[0] != name {
			t.Errorf("%s: %+v, %v", what, back, err)
		}
		if what == "short" && back.Detail != a.Detail {
			t.Errorf("%s: %+v", what, back)
		}
	}
}
