package h2

import (
	"bytes"
	"reflect"
	"testing"

	"golang.org/x/net/http2"

	"netmon/internal/targets"
)

// TestH2Frames: frames are found however they are cut.
func TestH2Frames(t *testing.T) {
	var b bytes.Buffer
	f := http2.NewFramer(&b, nil)
	f.AllowIllegalWrites = true
	f.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 0})
	f.WriteHeaders(targets.H2OK(1, false))
	f.WriteData(1, false, []byte("twelve bytes"))
	f.WriteDataPadded(5, true, make([]byte, 300), make([]byte, 9))
	f.WritePing(true, [8]byte{})
	want := []h2Frame{{6, 4, 0, 0}, {1, headers, 4, 1}, {12, data, 0, 1}, {310, data, 9, 5}, {8, 6, 1, 0}}
	for size := 1; size <= b.Len(); size++ {
		var frames h2Frames
		var got []h2Frame
		for all := b.Bytes(); len(all) > 0; {
			piece := all[:min(size, len(all))]
			all = all[len(piece):]
			for {
				frame, rest, ok := frames.next(piece)
				if !ok {
					break
				}
				got, piece = append(got, frame), rest
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("in pieces of %d bytes: %v, want %v", size, got, want)
		}
	}
	for i, content := range []int64{0, 0, 12, 54, 0} {
		if got := want[i].content(); got != content {
			t.Errorf("%v has at least %d bytes of a body, want %d", want[i], got, content)
		}
	}
}
