package service

// SplitPages deals the pages of a file into smaller ones.
func SplitPages(pages []Certificate, size, limit int64) [][]Certificate {
	return splitPages(pages, size, limit)
}
