package status

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// publicID is the id of a thing on the page: of it nothing else can be learned. It is made
// of what is public or cannot be guessed.
func publicID(what, of string) string {
	sum := sha256.Sum256([]byte(what + "\x00" + of))
	return hex.EncodeToString(sum[:6])
}

const slugMost = 48

// slug is a name as a part of an address and of a file's name: letters, digits and single
// dashes. "" where nothing of it is left.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case b.Len() >= slugMost:
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
