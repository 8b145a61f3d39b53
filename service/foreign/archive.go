package foreign

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"flowbot/service"
)

// Bounds of an archive. Source: a large exam has 500 applications; the chat gives
// 20 MB, and scans are packed already; the child may write 256 MB.
const (
	maxEntries  = 600
	maxUnpacked = 200 << 20
	// An entry may be this many times as large as it is packed; small ones, of
	// which a thousand fit the bound above, are not asked. A blank page without
	// noise is packed 100 times.
	maxSwelling   = 200
	askedSwelling = 1 << 20
)

// Unpack implements service.Foreign. The child writes each entry as a line of
// JSON and its bytes.
func (r *Reader) Unpack(ctx context.Context, path string, take func(service.ArchiveEntry, io.Reader) error) error {
	pr, pw := io.Pipe()
	taken := make(chan error, 1)
	go func() {
		err := r.takeEntries(pr, take)
		taken <- errors.Join(err, pr.CloseWithError(err))
	}()
	_, err := r.ask(ctx, question{Do: doUnpack, Items: []item{{Path: path}}}, pw)
	_ = pw.CloseWithError(err) // always nil, see io.PipeWriter
	if late := <-taken; err == nil {
		err = late
	}
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	return nil
}

// takeEntries reads what the child wrote. The child may have been taken over by
// the archive, so its bounds are asked once more.
func (r *Reader) takeEntries(from io.Reader, take func(service.ArchiveEntry, io.Reader) error) error {
	in := bufio.NewReader(from)
	for n := 0; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read entry: %w", err)
		}
		var e service.ArchiveEntry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("read entry: %w", err)
		}
		if n >= maxEntries || e.Size < 0 || e.Size > r.options.PDFBytes {
			return errors.New("the child wrote more than it may")
		}
		e.Name = service.SafeName(e.Name)
		content := io.LimitReader(in, e.Size)
		if err := take(e, content); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return fmt.Errorf("read entry: %w", err)
		}
	}
}

// unpack is Unpack in the child.
func unpack(q question) error {
	f, beginning, size, err := head(q.Items[0].Path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if !isZip(beginning) {
		return refuse(service.ReasonArchiveNotZip, "no zip header")
	}
	z, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // paths are looked at below
		return refuse(service.ReasonArchiveNotZip, "no directory")
	}
	entries, err := plainEntries(z)
	if err != nil {
		return err
	}
	return leave(func(w io.Writer) error {
		left := int64(maxUnpacked)
		for i, e := range entries {
			content, reason := readEntry(e, min(q.PDFBytes, left+1))
			left -= int64(len(content))
			if left < 0 {
				return exceeds(service.ReasonArchiveTooLarge, maxUnpacked, maxUnpacked-left)
			}
			if isZip(content) {
				return aboutEntry(service.ReasonArchiveNested, e)
			}
			line, err := json.Marshal(service.ArchiveEntry{Name: entryName(e), Size: int64(len(content)), Refusal: reason})
			if err != nil {
				return fmt.Errorf("entry %d: %w", i, err)
			}
			if _, err := w.Write(append(line, '\n')); err != nil {
				return err
			}
			if _, err := w.Write(content); err != nil {
				return err
			}
		}
		return nil
	})
}

// isZip tells whether a file begins as a zip, if an empty one.
func isZip(b []byte) bool {
	return bytes.HasPrefix(b, []byte("PK\x03\x04")) || bytes.HasPrefix(b, []byte("PK\x05\x06"))
}

// plainEntries lists the files of an archive, or says what else is in it. What
// systems put there for themselves is passed over.
func plainEntries(z *zip.Reader) ([]*zip.File, error) {
	var out []*zip.File
	var declared uint64
	seen := make(map[string]bool)
	for _, e := range z.File {
		name := entryName(e)
		if isLitter(name) {
			continue
		}
		if err := checkEntry(e, name); err != nil {
			return nil, err
		}
		folded := strings.ToLower(name)
		if seen[folded] {
			return nil, aboutEntry(service.ReasonArchiveTwice, e)
		}
		seen[folded] = true
		if out = append(out, e); len(out) > maxEntries {
			return nil, exceeds(service.ReasonArchiveTooMany, maxEntries, int64(len(z.File)))
		}
		if declared += e.UncompressedSize64; e.UncompressedSize64 > maxUnpacked || declared > maxUnpacked {
			return nil, exceeds(service.ReasonArchiveTooLarge, maxUnpacked, int64(min(declared, 1<<62)))
		}
	}
	if len(out) == 0 {
		return nil, refuse(service.ReasonArchiveEmpty, "no entry")
	}
	return out, nil
}

// isLitter tells what programs add to an archive unasked.
func isLitter(name string) bool {
	switch path.Base(name) {
	case ".DS_Store", "Thumbs.db", "desktop.ini":
		return !strings.Contains(name, "/")
	}
	return strings.HasPrefix(name, "__MACOSX/") && !strings.Contains(name, "..")
}

// checkEntry refuses what is no plain file in the root.
func checkEntry(e *zip.File, name string) error {
	slashed := strings.ReplaceAll(name, `\`, "/")
	switch {
	case strings.TrimSpace(name) == "" || strings.ContainsRune(name, 0):
		return aboutEntry(service.ReasonArchiveOddEntry, e)
	case strings.HasPrefix(slashed, "/"), len(slashed) > 1 && slashed[1] == ':',
		slashed == "..", strings.HasPrefix(slashed, "../"), strings.HasSuffix(slashed, "/.."), strings.Contains(slashed, "/../"):
		return aboutEntry(service.ReasonArchivePath, e)
	case strings.Contains(slashed, "/") || e.Mode().IsDir():
		return aboutEntry(service.ReasonArchiveFolder, e)
	case !e.Mode().IsRegular():
		return aboutEntry(service.ReasonArchiveOddEntry, e)
	case e.Flags&1 != 0: // encrypted. Source: PKWARE APPNOTE, 4.4.4
		return aboutEntry(service.ReasonArchiveLocked, e)
	case e.UncompressedSize64 > askedSwelling && e.UncompressedSize64/maxSwelling > e.CompressedSize64:
		return aboutEntry(service.ReasonArchiveSwelling, e)
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".zip", ".rar", ".7z", ".gz", ".tar":
		return aboutEntry(service.ReasonArchiveNested, e)
	}
	return nil
}

// aboutEntry is a refusal that names an entry.
func aboutEntry(r service.Reason, e *zip.File) error {
	name := []rune(entryName(e))
	return &verdict{Reason: r, Name: string(name[:min(len(name), maxEntryName)])}
}

// maxEntryName is the longest name of an entry that is told, in characters.
const maxEntryName = 200

// readEntry unpacks an entry of at most so many bytes, or says why not.
func readEntry(e *zip.File, most int64) ([]byte, service.Reason) {
	if e.UncompressedSize64 > uint64(most) { //nolint:gosec // never negative
		return nil, service.ReasonFileTooBig
	}
	r, err := e.Open()
	if err != nil {
		return nil, service.ReasonFileBroken
	}
	content, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case errors.Join(err, r.Close()) != nil:
		return nil, service.ReasonFileBroken
	case int64(len(content)) > most:
		return nil, service.ReasonFileTooBig
	case len(content) == 0:
		return nil, service.ReasonFileEmpty
	}
	return content, ""
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
