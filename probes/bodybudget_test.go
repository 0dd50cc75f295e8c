package probes

import (
	"testing"
)

// TestBodyBudget_SmallOnes: what is kept for small bodies is not for large ones.
func TestBodyBudget_SmallOnes(t *testing.T) {
	const most = 16 << 20
	b := &BodyBudget{Most: most}
	if b.Claim(most, 0) || !b.Claim(most*3/4, 0) || b.Claim(1, most*3/4) {
		t.Error("a large body may take what it may not")
	}
	for range most / 4 / BodySmall {
		if !b.Claim(BodySmall, 0) {
			t.Fatal("a small body finds no room")
		}
	}
	if b.Claim(1, 0) || b.used != most {
		t.Errorf("%d bytes are taken of %d", b.used, most)
	}
}
