//go:build !linux

package main

import (
	"context"
	"errors"
)

func (l *lab) slow(context.Context, string) error {
	return errors.New("slow works in network namespaces: it needs Linux")
}
