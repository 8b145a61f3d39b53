package foreign

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"flowbot/service"
)

// entryFile is where an entry of an archive lies while it is read.
const entryFile = "entry"

// An entry may be this many times as large as it is packed; small ones are not
// asked. A blank page without noise is packed 100 times.
const (
	maxSwelling   = 200
	askedSwelling = 1 << 20
)

// zip takes an archive of scans apart, in the order of its names. It takes
// folders, and lets an entry that is odd stand alone: whoever scans packs whole
// folders.
func (p *pager) zip(ctx context.Context, f io.ReaderAt, size int64) error {
	z, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are never used as paths
		return refuse(service.ReasonArchiveNotZip, "no directory")
	}
	if isDocument(z) {
		return refuse(service.ReasonFileNotPDF, "a document of an office")
	}
	var entries []*zip.File
	var declared uint64
	for _, e := range z.File {
		if e.Mode().IsDir() || isScanLitter(entryName(e)) {
			continue
		}
		entries = append(entries, e)
		declared += min(e.UncompressedSize64, maxWritten)
	}
	most := 2 * uint64(p.q.ScanBytes) //nolint:gosec // never negative
	switch {
	case len(entries) == 0:
		return refuse(service.ReasonArchiveEmpty, "no entry")
	case len(entries) > p.q.Pages:
		return exceeds(service.ReasonFileTooManyPages, int64(p.q.Pages), int64(len(entries)))
	case declared > most:
		return exceeds(service.ReasonArchiveTooLarge, int64(most), int64(min(declared, 1<<62))) //nolint:gosec // bounded
	}
	slices.SortStableFunc(entries, func(a, b *zip.File) int { return naturally(entryName(a), entryName(b)) })
	for i, e := range entries {
		p.name, p.waiting = service.SafeName(entryName(e)), len(entries)-i-1
		if err := p.each(func() error { return p.entry(ctx, e) }); err != nil {
			return err
		}
	}
	return nil
}

// entry takes one file of an archive apart.
func (p *pager) entry(ctx context.Context, e *zip.File) error {
	if err := checkScanEntry(e); err != nil {
		return err
	}
	defer func() { _ = os.Remove(entryFile) }() // not there if it could not be unpacked
	if err := unpackTo(entryFile, e); err != nil {
		return err
	}
	f, beginning, size, err := head(entryFile)
	if err != nil {
		return err
	}
	reason := service.Reason("")
	if isZip(beginning) {
		reason = service.ReasonArchiveNested
		if z, err := zip.NewReader(f, size); isOffice(e.Name) || err == nil && isDocument(z) {
			reason = service.ReasonFileNotPDF
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	if reason != "" {
		return refuse(reason, "a zip within a zip")
	}
	return p.file(ctx, entryFile, sniff(beginning))
}

// isZip tells whether a file begins as a zip, if an empty one.
func isZip(b []byte) bool {
	return bytes.HasPrefix(b, []byte("PK\x03\x04")) || bytes.HasPrefix(b, []byte("PK\x05\x06"))
}

// isOffice tells whether a file is called as office programs call documents that
// they keep in a zip: one that is damaged cannot be asked what it is.
func isOffice(name string) bool {
	return slices.Contains([]string{".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp"}, strings.ToLower(path.Ext(name)))
}

// isDocument tells whether a zip is a document of an office program, which keeps
// its pages so. Source: ECMA-376, part 2 (types of contents); OpenDocument 1.2,
// part 3 (type of the package).
func isDocument(z *zip.Reader) bool {
	return slices.ContainsFunc(z.File, func(e *zip.File) bool { return e.Name == "[Content_Types].xml" || e.Name == "mimetype" })
}

// checkScanEntry refuses what would not be unpacked.
func checkScanEntry(e *zip.File) error {
	switch {
	case !e.Mode().IsRegular():
		return refuse(service.ReasonArchiveOddEntry, "no plain file")
	case e.Flags&1 != 0: // Source: PKWARE APPNOTE, 4.4.4
		return refuse(service.ReasonFileEncrypted, "an entry with a password")
	case e.UncompressedSize64 > maxWritten:
		return exceeds(service.ReasonFileTooBig, maxWritten, int64(min(e.UncompressedSize64, 1<<62)))
	case e.UncompressedSize64 > askedSwelling && e.UncompressedSize64/maxSwelling > e.CompressedSize64:
		return refuse(service.ReasonFileTooHeavy, "packed more tightly than any scan")
	}
	return nil
}

// unpackTo writes an entry to a file. The archive's own sums tell whether it is
// whole.
func unpackTo(name string, e *zip.File) error {
	r, err := e.Open()
	if err != nil {
		return refuse(service.ReasonFileBroken, "an entry that cannot be opened")
	}
	defer func() { _ = r.Close() }()
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(r, int64(e.UncompressedSize64)+1)) //nolint:gosec // asked before
	if closed := w.Close(); closed != nil {
		return closed
	}
	if err != nil || n != int64(e.UncompressedSize64) { //nolint:gosec // likewise
		return refuse(service.ReasonFileBroken, "an entry that cannot be unpacked")
	}
	return nil
}

// isScanLitter tells what systems put into any folder of an archive.
func isScanLitter(name string) bool {
	name = strings.ReplaceAll(name, `\`, "/")
	base := path.Base(name)
	switch base {
	case ".DS_Store", "Thumbs.db", "desktop.ini":
		return true
	}
	return strings.HasPrefix(base, "._") || strings.HasPrefix(name, "__MACOSX/") || strings.Contains(name, "/__MACOSX/")
}

// naturally compares names as people order them: page2 comes before page10, and
// capitals do not matter.
func naturally(a, b string) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	for len(x) > 0 && len(y) > 0 {
		if isDigit(x[0]) && isDigit(y[0]) {
			var n, m []rune
			n, x = number(x)
			m, y = number(y)
			if c := cmp.Or(cmp.Compare(len(n), len(m)), slices.Compare(n, m)); c != 0 {
				return c
			}
			continue
		}
		if c := cmp.Or(cmp.Compare(rank(x[0]), rank(y[0])), cmp.Compare(x[0], y[0])); c != 0 {
			return c
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

// rank puts the end of a folder's name before every character, so that a
// folder's files stay together.
func rank(r rune) int {
	if r == '/' || r == '\\' {
		return 0
	}
	return 1
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// number cuts the digits from the beginning of a name, without leading zeros.
func number(r []rune) (digits, rest []rune) {
	n := 0
	for n < len(r) && isDigit(r[n]) {
		n++
	}
	digits, rest = r[:n], r[n:]
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	return digits, rest
}

// entryName is the name of an entry in Unicode. Programs on Windows write it in
// the code page of MS-DOS, which in Russia is 866.
func entryName(e *zip.File) string {
	if utf8.ValidString(e.Name) {
		return e.Name
	}
	var out strings.Builder
	for i := range len(e.Name) {
		out.WriteRune(rune866(e.Name[i]))
	}
	return out.String()
}

// rune866 reads a byte of code page 866; frames and signs that no name has become
// the replacement character.
func rune866(b byte) rune {
	switch {
	case b < 0x80:
		return rune(b)
	case b < 0xb0: // А to п
		return 'А' + rune(b-0x80)
	case b >= 0xe0 && b < 0xf0: // р to я
		return 'р' + rune(b-0xe0)
	case b == 0xf0:
		return 'Ё'
	case b == 0xf1:
		return 'ё'
	case b == 0xfc:
		return '№'
	}
	return utf8.RuneError
}
