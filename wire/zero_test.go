package wire

import (
	"strings"
	"testing"
)

// TestDecodeStrict_ZeroIsSaid: 0 that is written out is not the default.
func TestDecodeStrict_ZeroIsSaid(t *testing.T) {
	for _, field := range []string{"every", "timeout"} {
		var s Saved
		err := DecodeStrict([]byte(`{"name":"m","`+field+`":"0s"}`), &s)
		if err == nil || !strings.Contains(err.Error(), field+`: want more than 0, got "0s": leave it out for the default`) {
			t.Errorf("%s: %v", field, err)
		}
		if err := DecodeStrict([]byte(`{"name":"m","`+field+`":null}`), &s); err != nil {
			t.Errorf("%s null: %v", field, err)
		}
	}
}
