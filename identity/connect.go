package identity

import (
	"errors"
	"fmt"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// UserCredentials connects as nats.UserCredentials does: by a file that holds a
// JWT and its seed, or by one of each, read at each connect.
//
// The key also signs what changes something, and a server in other hands chooses
// the nonce that it has signed. So a nonce that nats-server would not send is
// refused. That no nonce is what netmon signs is the first lock: see wire.Proof.
func UserCredentials(file string, seed ...string) nats.Option {
	keyFile := file
	if len(seed) > 0 {
		keyFile = seed[0]
	}
	user := func() (string, error) {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		return nkeys.ParseDecoratedJWT(data)
	}
	return nats.UserJWT(user, signNonce(keyFile))
}

// signNonce answers a server's nonce with the seed in a file.
func signNonce(keyFile string) func(nonce []byte) ([]byte, error) {
	return func(nonce []byte) ([]byte, error) {
		if len(nonce) == 0 {
			return nil, nil // the server has no identities
		}
		if err := checkNonce(nonce); err != nil {
			return nil, err
		}
		data, err := os.ReadFile(keyFile)
		if err != nil {
			return nil, err
		}
		defer clear(data)
		key, err := nkeys.ParseDecoratedNKey(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", keyFile, err)
		}
		defer key.Wipe()
		return key.Sign(nonce)
	}
}

var errNonce = errors.New("the server asks to sign something that is not the nonce of a NATS server: somebody took it over, or it is something else")

// checkNonce says whether a nonce is like those of nats-server: 15 characters of
// URL-safe base64.
func checkNonce(nonce []byte) error {
	if len(nonce) < 8 || len(nonce) > 64 {
		return errNonce
	}
	for _, c := range nonce {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return errNonce
		}
	}
	return nil
}
