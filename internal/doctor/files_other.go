//go:build !unix

package doctor

func fileLimit() (uint64, bool) { return 0, false }
