package output

import (
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// TestLists_NameAuthorsInOneWay looks at lists of what somebody with a name did, and somebody without.
func TestLists_NameAuthorsInOneWay(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, write := range map[string]func(w *strings.Builder, author string) error{
		"audit": func(w *strings.Builder, author string) error { return Audit([]wire.Audit{{At: at, By: author}}).csv(w) },
		"identities": func(w *strings.Builder, author string) error {
			return Identities([]wire.Identity{{Name: "x", By: author, Made: at}}).csv(w)
		},
		"silences": func(w *strings.Builder, author string) error {
			return Silences([]*wire.Silence{{Saving: wire.Saving{Author: author}}}, at, "").csv(w)
		},
		"groups": func(w *strings.Builder, author string) error {
			return Groups([]*wire.Group{{Saving: wire.Saving{Author: author}}}, nil, "").csv(w)
		},
		"windows": func(w *strings.Builder, author string) error {
			return Windows([]*wire.Window{{Saving: wire.Saving{Author: author}}}, at, "").csv(w)
		},
		"rules": func(w *strings.Builder, author string) error {
			return Rules([]*wire.NoticeRule{{Saving: wire.Saving{Author: author}}}, "").csv(w)
		},
		"channels": func(w *strings.Builder, author string) error {
			return SavedChannels([]*wire.Channel{{Saving: wire.Saving{Author: author}}}, "").csv(w)
		},
	} {
		for author, want := range map[string]string{"anna": "anna", "": "(unknown)"} {
			var out strings.Builder
			if err := write(&out, author); err != nil {
				t.Fatal(err)
			}
			head, row, _ := strings.Cut(out.String(), "\n")
			if !strings.Contains(head, "author") || !strings.Contains(row, want) {
				t.Errorf("%s by %q:\n%s", name, author, out.String())
			}
		}
	}
}
