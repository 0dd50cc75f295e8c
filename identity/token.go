package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"netmon/wire"
)

// A token is never sent. Both sides derive the same secret from it: what names
// it, and what proves that somebody has it, are derived from that. So a server
// in between, which sees both, can let nobody else in.

// TokenSecret is what the broker keeps of a token.
func TokenSecret(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// JoinID names a token's secret.
func JoinID(secret string) string { return TokenSecret("netmon-join-id-1\n" + secret) }

// ProveJoin shows that whoever joins has the token, for this request alone.
func ProveJoin(secret string, j wire.Join) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(j.Text()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// CheckJoin says whether a request to join was proved.
func CheckJoin(secret string, j wire.Join) bool {
	return hmac.Equal([]byte(ProveJoin(secret, j)), []byte(j.Proof))
}
