package service

import "context"

// The refusals about ФИС ФРДО.
const (
	ReasonFrdoNobody     Reason = "frdo.nobody"        // nobody to export; Data: whether nobody is entitled at all, else everybody has the number
	ReasonFrdoIncomplete Reason = "frdo.incomplete"    // Data: FrdoLack
	ReasonFrdoNotReady   Reason = "frdo.not_ready"     // Data: FrdoUnready
	ReasonFrdoNotNeeded  Reason = "frdo.not_needed"    // nobody is entitled to a certificate
	ReasonFrdoNumbered   Reason = "frdo.numbered"      // everybody has the number
	ReasonFrdoNoFile     Reason = "frdo.no_file"       // the table has not been sent, or is not read yet
	ReasonFrdoNothing    Reason = "frdo.nothing"       // no row can be written
	ReasonFrdoChanged    Reason = "frdo.changed"       // the report has changed since it was shown; Data: *NumbersReport
	ReasonFrdoTaken      Reason = "frdo.taken"         // a number has come to stand at another application at this moment
	ReasonFrdoNoHeader   Reason = "frdo.no_header"     // no row of headers among the first ones; Data: how many were looked at
	ReasonFrdoNoNumber   Reason = "frdo.no_number"     // no column of registration numbers
	ReasonFrdoNoDate     Reason = "frdo.no_date"       // no column of their dates
	ReasonFrdoNoName     Reason = "frdo.no_name"       // no column of names
	ReasonFrdoNameAlone  Reason = "frdo.name_alone"    // neither birth dates nor identity documents
	ReasonFrdoTwice      Reason = "frdo.column_twice"  // Data: the title of a column that stands twice
	ReasonFrdoNoRows     Reason = "frdo.no_rows"       // headers alone
	ReasonFrdoManyRows   Reason = "frdo.too_many_rows" // Data: FileBound
)

// FrdoUnready is the Data of ReasonFrdoNotReady: what is missing.
type FrdoUnready struct {
	Unsettled int // applications without their result or their violations mark
	Protocol  ProtocolStatus
}

// FrdoQueries asks about what is exchanged with ФИС ФРДО.
type FrdoQueries interface {
	// NumbersTaken tells which of these registration numbers stand at an
	// application of the installation, whoever's it is, and at which: ids, which
	// are for rules alone.
	NumbersTaken(ctx context.Context, numbers []string) (map[string]int64, error)
	// TypedNumbers counts the applications of an exam whose registration number a
	// person typed.
	TypedNumbers(ctx context.Context, examID int64) (int, error)
	// CenterApplications lists the applications of the newest exams of a center,
	// at most so many exams, all but one of them.
	CenterApplications(ctx context.Context, centerID, exceptExamID int64, exams int) ([]Application, error)
}

// FrdoCommands changes what is exchanged with ФИС ФРДО.
type FrdoCommands interface {
	// ReleaseNumbers lets others of the transaction have the registration numbers of
	// these applications, which get their new ones by SaveApplications.
	ReleaseNumbers(ctx context.Context, applications []int64) error
}

// Frdo exchanges tables with ФИС ФРДО: the export of those who are entitled to a
// certificate, and the import of the registration numbers that they were given.
type Frdo struct {
	store        Store
	exams        *Exams
	book         SheetBook
	files        FileStore
	uploads      *Uploads
	certificates *Certificates
	say          Say
	now          Clock
}

// NewFrdo returns the use cases over store; book reads and writes the tables,
// certificates prints whom an import has given a number, say finds the words
// beside a row. It has uploads read the tables of numbers that people send.
func NewFrdo(store Store, book SheetBook, files FileStore, uploads *Uploads, certificates *Certificates, say Say, now Clock) *Frdo {
	s := &Frdo{
		store: store, exams: NewExams(store, book, now), book: book, files: files,
		uploads: uploads, certificates: certificates, say: say, now: now,
	}
	uploads.Examine(UploadNumbers, s.examine)
	return s
}

// workbookType is the MIME type of an .xlsx workbook.
const workbookType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
