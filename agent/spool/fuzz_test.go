package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzOpen opens a spool whose files are anything, and continues with it.
func FuzzOpen(f *testing.F) {
	segment := []byte(magic + "0123456789abcdef\n")
	for seq := range uint64(3) {
		record, _ := beginRecord(nil, seq+1, seq+1, time.Unix(3, 4), "web")
		record = append(record, "{}"...)
		endRecord(record)
		segment = append(segment, record...)
	}
	numbers := `{"epoch":"0123456789abcdef","seq":3,"runs":{"web":3},"gaps":{"web":[{"epoch":"0123456789abcdef","next":2,"count":1}]},"whole":true}`
	f.Add(segment, []byte(numbers), []byte(`{"done":1}`))
	f.Add(segment[:len(segment)-5], []byte(`{"epoch":"x","runs":null}`), []byte(`{"done":18446744073709551615}`))
	f.Add([]byte(magic), []byte("["), []byte(""))
	f.Add(append([]byte(magic+"\x1b[2J\x1b[2J\x1b[2J\x1b[2\n"), 0xff, 0xff, 0xff, 0xff), []byte("{}"), []byte("{}"))
	f.Fuzz(func(t *testing.T, segment, numbers, cursor []byte) {
		memory := "/dev/shm" // where syncing costs nothing; "" is where other files are
		if _, err := os.Stat(memory); err != nil {
			memory = ""
		}
		dir, err := os.MkdirTemp(memory, "netmon-fuzz")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		for name, data := range map[string][]byte{fmt.Sprintf(nameFormat, 1): segment, numbersName: numbers, cursorName: cursor} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, _, err := Open(dir, Options{MaxBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		last := uint64(0)
		for _, r := range s.Read(100) {
			if r.Seq <= last {
				t.Errorf("record %d after %d", r.Seq, last)
			}
			last = r.Seq
		}
		if err := s.Append("web", func(b []byte, _ string, _, _ uint64) ([]byte, error) { return append(b, "{}"...), nil }); err != nil {
			t.Fatal(err)
		}
	})
}
