package console

import (
	"bytes"
	"testing"
)

// TestEscapeJSON_LooksAtEachByte puts each byte at each place of two words.
func TestEscapeJSON_LooksAtEachByte(t *testing.T) {
	for b := range 256 {
		for at := range 17 {
			data := bytes.Repeat([]byte("~ "), 9)
			data[at] = byte(b)
			stays := bytes.Equal(EscapeJSON(data), data)
			if want := b >= ' ' && b <= '~' || b == '\n' || b == '\t'; stays != want {
				t.Errorf("byte %#x at %d stays: %v", b, at, stays)
			}
		}
	}
}

func BenchmarkEscapeJSON(b *testing.B) {
	data := bytes.Repeat([]byte(`"latency_ns":265521,`), 20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		EscapeJSON(data)
	}
}
