package push

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// encodeLines appends a line for each result and each change of a verdict.
func encodeLines(b []byte, of *Batch) []byte {
	for _, r := range of.Results {
		b = appendLine(b, "result", r.Sequence, r.Data)
	}
	for i := range of.Verdicts {
		if v := &of.Verdicts[i]; v.Change != nil {
			b = appendLine(b, "verdict", v.Sequence, v.Data)
		}
	}
	return b
}

// appendLine appends a message as it is, with its type and its number in the stream before
// its fields.
func appendLine(b []byte, kind string, sequence uint64, data []byte) []byte {
	data = bytes.TrimSpace(data)
	if bytes.IndexByte(data, '\n') >= 0 || bytes.IndexByte(data, '\r') >= 0 {
		var one bytes.Buffer
		if json.Compact(&one, data) != nil {
			return b
		}
		data = one.Bytes()
	}
	if len(data) < 2 || data[0] != '{' {
		return b // no message of ours
	}
	b = append(b, lineStart(kind)...)
	b = strconv.AppendUint(b, sequence, 10)
	if data = bytes.TrimLeft(data[1:], " \t"); data[0] != '}' {
		b = append(b, ',')
	}
	b = append(b, data...)
	return append(b, '\n')
}

// lineStart is what a line begins with, before the number in the stream.
func lineStart(kind string) string { return `{"type":"` + kind + `","sequence":` }
