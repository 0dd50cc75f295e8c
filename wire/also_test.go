package wire

import (
	"strings"
	"testing"
)

// TestDecodeStrict_NumbersThatAreTexts: a version, a family, a status may be
// without quotes, and a text that is no such thing may not.
func TestDecodeStrict_NumbersThatAreTexts(t *testing.T) {
	type embedded struct {
		Family string `json:"family" also:"number"`
	}
	type options struct {
		embedded
		Status string   `json:"status" also:"numbers"`
		Words  []string `json:"words"`
		Text   string   `json:"text"`
	}
	for in, want := range map[string]string{
		`{"family":6}`:                     "6",
		`{"family": 1.10 }`:                "1.10",
		`{"family":"any"}`:                 "any",
		`{"family":null}`:                  "",
		`{"status":200}`:                   "200",
		`{"status":"200-299"}`:             "200-299",
		`{"status":[200]}`:                 "200",
		`{"status":[200,"300-399", 404 ]}`: "200,300-399,404",
		`{"family":1e3}`:                   "family: want a string, got 1e3: put it in quotes",
		`{"family":[6]}`:                   "family: want a string, got [6]",
		`{"family":true}`:                  "family: want a string, got true: put it in quotes",
		`{"status":[]}`:                    "status: want a string, got []",
		`{"status":[[200]]}`:               "status: want a string, got [[200]]",
		`{"status":{"is":200}}`:            `status: want a string, got {"is":200}`,
		`{"text":7}`:                       "text: want a string, got 7: put it in quotes",
		`{"words":[7]}`:                    "words: want a string, got [7]",
	} {
		var o options
		err := DecodeStrict([]byte(in), &o)
		got := o.Family + o.Status
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s gives %q, want %q", in, got, want)
		}
		if strings.Contains(got, "\n") {
			t.Errorf("%s: several mistakes", in)
		}
	}
}
