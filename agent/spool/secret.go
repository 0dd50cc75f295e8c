package spool

import (
	"crypto/rand"
	"fmt"
)

// secret is drawn once for a spool and stays with it. Whoever sends the records
// makes their ids from it, so that nobody else can compute the next one.
type secret struct {
	Key   []byte `json:"key"`   // secretBytes at random
	After uint64 `json:"after"` // the last record that was numbered before there was this key
}

const (
	secretName  = "secret.json"
	secretBytes = 32
)

// Secret returns the spool's secret, and the number of the last record that may
// have been handed out when there was none, or another one.
func (s *Spool) Secret() (key []byte, after uint64) { return s.secret.Key, s.secret.After }

// openSecret reads the secret, or draws one. It comes after the numbers, and is
// on the disk before a record can be read. It is kept also where the numbers
// were lost: they begin a new epoch, and ids are made of both.
func (s *Spool) openSecret() (problem string, err error) {
	var x secret
	known, problem := s.load(secretName, &x)
	if known && len(x.Key) == secretBytes {
		s.secret = x
		return "", nil
	}
	if known {
		problem = fmt.Sprintf("%s: a key of %d bytes: want %d", secretName, len(x.Key), secretBytes)
	}
	s.secret = secret{Key: make([]byte, secretBytes), After: s.seq}
	rand.Read(s.secret.Key) // never fails
	return problem, s.save(secretName, s.secret, true)
}
