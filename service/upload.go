package service

import (
	"encoding/json"
	"time"
)

// UploadPurpose is what a file sent in chat is for.
type UploadPurpose string

// The purposes; in brackets what the subject is, and what the file may be.
const (
	UploadProtocol UploadPurpose = "protocol" // the scan of a protocol (exam; PDF or picture)
	UploadNumbers  UploadPurpose = "numbers"  // registration numbers of ФИС ФРДО (exam; a table)
	UploadScan     UploadPurpose = "scan"     // the scan of one certificate (application; PDF or picture)
	UploadArchive  UploadPurpose = "archive"  // scans by application number (exam; a zip)
	UploadProfile  UploadPurpose = "profile"  // a blank profile (center; a table)
)

// UploadState is what has become of a file.
type UploadState string

// The states.
const (
	UploadWaiting  UploadState = "waiting"  // a worker fetches and checks it
	UploadAccepted UploadState = "accepted" //
	UploadRefused  UploadState = "refused"  // see Reason
	UploadRemoved  UploadState = "removed"  // taken out, used, or another took its place
)

// Upload is a file that somebody has sent for something of an exam. It outlives
// the conversation: cancelling never loses a file.
type Upload struct {
	ID        int64 `bun:",pk,autoincrement"`
	PersonID  int64
	Purpose   UploadPurpose
	SubjectID int64  // the exam, the application or the center, by the purpose
	UpdateID  int64  // of the message that brought it
	ChatRef   string // file_id in the chat
	Name      string // as the sender called it, cleaned of what cannot be shown
	Size      int64  // bytes, as the chat told before the download
	State     UploadState
	Reason    Reason          // of the refusal
	Facts     json.RawMessage `bun:"type:jsonb,nullzero"` // for the words of the refusal; nil: none
	FileSHA   string          `bun:",nullzero"`           // the original as it came
	CleanSHA  string          `bun:",nullzero"`           // what others get: pictures re-encoded without metadata
	Type      string          // MIME type of the clean file
	Pages     int             // of a PDF, 1 for a picture
	AddedAt   time.Time       // UTC
}

// UploadQueries asks about uploads.
type UploadQueries interface{}

// UploadCommands changes uploads.
type UploadCommands interface{}

// Uploads takes the files that people send for something of an exam: a worker
// fetches each and looks what it is.
type Uploads struct {
	store   Store
	chat    ChatFiles
	foreign Foreign
	files   FileStore
	max     int64 // bytes, MAX_DOWNLOAD
	now     Clock
}

// NewUploads returns the use cases over store. maxDownload is what the chat can
// fetch at most, in bytes.
func NewUploads(store Store, chat ChatFiles, foreign Foreign, files FileStore, maxDownload int64, now Clock) *Uploads {
	return &Uploads{store: store, chat: chat, foreign: foreign, files: files, max: maxDownload, now: now}
}
