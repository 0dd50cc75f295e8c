package output

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/nats-io/nats.go"
)

func TestWriteResult(t *testing.T) {
	const head = `{"agent":"a","monitor":"m","kind":"tcp","target":"x:1","started":"2026-11-24T11:37:34.7Z","elapsed_ns":5,"outcome":"ok"`
	for name, c := range map[string]struct{ data, want string }{
		"as agents write it":  {head + `,"details":{"connect_ns":5}}`, head + `,"details":{"connect_ns":5}}`},
		"on several lines":    {" {\n" + head[1:] + "\n}\n", head + `}`},
		"what does not print": {head + ",\"summary\":\"\u202eabc\"}", head + `,"summary":"\u202eabc"}`},
		"escapes to be read":  {head + `,"summary":"a\u003cb"}`, head + `,"summary":"a<b"}`},
		"escapes to be kept":  {head + `,"summary":"\u001b[2J"}`, head + `,"summary":"\u001b[2J"}`},
		"a field not known":   {head + `,"future":[1]}`, head + `}`},
		"a carriage return":   {head + ",\r\"run\":1}", head + `, "run":1}`},
		"of another subject":  {`{"agent":"b","monitor":"m"}`, ""},
		"no JSON":             {head, ""},
		"two":                 {head + `}` + head + `}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			out := bufio.NewWriter(&b)
			err := writeResult(out, &nats.Msg{Subject: "results.a.m", Data: []byte(c.data)})
			out.Flush()
			if (err != nil) != (c.want == "") {
				t.Fatalf("error %v", err)
			}
			if want := c.want + "\n"; err == nil && b.String() != want {
				t.Errorf("wrote %q, want %q", b.String(), want)
			}
			if err != nil && b.Len() > 0 {
				t.Errorf("wrote %q beside the error %v", b.String(), err)
			}
		})
	}
}
