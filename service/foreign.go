package service

import (
	"context"
	"io"
)

// The reasons for which a file from outside is refused. All are Invalid: the
// person who sent the file can send a better one.
const (
	ReasonFileEmpty         Reason = "file.empty"           // no bytes at all
	ReasonFileNotPDF        Reason = "file.not_pdf"         // something else than a PDF or a picture
	ReasonFileIsPicture     Reason = "file.is_picture"      // a picture where a PDF is awaited
	ReasonFileNotPicture    Reason = "file.not_picture"     // anything else where a picture is awaited
	ReasonFileBroken        Reason = "file.broken"          // cut off or damaged
	ReasonFileEncrypted     Reason = "file.encrypted"       // has a password, if only for changing it
	ReasonFileTooBig        Reason = "file.too_big"         // Data: FileBound in bytes
	ReasonFileTooManyPages  Reason = "file.too_many_pages"  // Data: FileBound in pages
	ReasonFileTooManyPixels Reason = "file.too_many_pixels" // Data: FileBound in pixels
	ReasonFileTooHeavy      Reason = "file.too_heavy"       // took more memory or time than any honest file
)

// FileBound is the Data of a refusal that is about a number.
type FileBound struct {
	Limit int64
	Got   int64
}

// ForeignKind is what a file from outside turned out to be.
type ForeignKind string

// The kinds of files from outside.
const (
	ForeignPDF   ForeignKind = "pdf"
	ForeignImage ForeignKind = "image"
	// ForeignArchive is a zip, which only Pages takes.
	ForeignArchive ForeignKind = "archive"
)

// ForeignFile is what the content of a file says about it. Its name and what
// the sender's program calls it are never asked.
type ForeignFile struct {
	Kind   ForeignKind
	Type   string // MIME type of what came in, image/heic for instance
	Pages  int    // of a PDF; of any file that Pages took apart, unreadable ones included
	Width  int    // of a picture as it is written, in pixels
	Height int    // of a picture as it is written, in pixels
}

// Foreign reads files of unknown origin without trusting them. A refusal is an
// *Error with one of the reasons above; any other error is ours, not the
// file's. It is safe for concurrent use.
type Foreign interface {
	// CheckPDF looks whether the file is a PDF that people will be able to read:
	// whole, without a password, of a bearable number of pages, each of which
	// can be drawn. Scripts and attachments inside do no harm: nothing runs them.
	CheckPDF(ctx context.Context, path string) (ForeignFile, error)
	// CleanImage reads a picture (JPEG, PNG, WebP, HEIC, BMP, the first page of a
	// TIFF, the first frame of a GIF), turns it the way its camera says and writes
	// it to w without anything but its pixels: as PNG if it was one, else as JPEG.
	// Nothing is written unless the whole picture was read.
	CleanImage(ctx context.Context, path string, w io.Writer) (ForeignFile, error)
	// ContactSheet draws one JPEG, at most 2000 pixels long, with the pictures and
	// the first pages of the PDFs side by side, each with its caption. What is
	// refused names the item: Data of the *Error is a ContactFault.
	ContactSheet(ctx context.Context, items []ContactItem, w io.Writer) error
	// Pages takes a file of scans apart: a PDF, a TIFF of one page or many, a
	// picture, or a zip of those, folders inside included. It calls take for each
	// page in order, one after another and as soon as the page is out, while the
	// rest of the file is still being read; content is a JPEG, grey or YCbCr with
	// 8 bits, upright as the file says it is to be seen, without metadata, and
	// can be read until take returns. It is the scanner's own JPEG wherever the
	// file holds one. A page that cannot be read comes with its Refusal and
	// without content, and the others go on. An error means that the file is
	// refused or could not be read to its end; the pages that take got stand. An
	// error of take ends it and is returned.
	Pages(ctx context.Context, path string, take func(p ForeignPage, content io.Reader) error) (ForeignFile, error)
}

// ForeignPage is a page of a file of scans.
type ForeignPage struct {
	Number  int    // from 1, over the whole file
	Name    string // of the archive's entry it came from, cleaned; "" outside of archives
	Width   int    // as it is written, in pixels
	Height  int    // as it is written, in pixels
	Refusal Reason `json:",omitempty"` // why it cannot be read; "" when it was
}

// The reasons for which an archive is refused, or an entry of it. All are Invalid.
const (
	ReasonArchiveNotZip   Reason = "archive.not_zip"   // damaged
	ReasonArchiveEmpty    Reason = "archive.empty"     // no file in it
	ReasonArchiveTooLarge Reason = "archive.too_large" // unpacked; Data: FileBound in bytes
	ReasonArchiveNested   Reason = "archive.nested"    // an entry is an archive
	ReasonArchiveOddEntry Reason = "archive.odd_entry" // an entry is no plain file
)

// ContactItem is one file of a contact sheet.
type ContactItem struct {
	Path    string
	Caption string // short, under the picture; cut if it does not fit
	Pages   int    // how many first pages of a PDF to show; 0 means 4
}

// ContactFault is the Data of a refused contact sheet.
type ContactFault struct {
	Item  int // index of the file that cannot be shown
	Bound FileBound
}
