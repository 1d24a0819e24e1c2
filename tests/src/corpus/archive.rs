//! A bundle taken apart into raw tar members, so that each can be broken on its own.
//!
//! Nothing here checks anything: it must be able to write every archive that the reader has to
//! refuse. Headers are the packer's own, changed at fixed offsets (POSIX ustar).

/// Length of a tar header, and the unit that content is padded to.
pub const BLOCK: usize = 512;

/// One member: header, content and padding exactly as they will be written.
#[derive(Debug, Clone)]
pub struct Member {
    /// The 512 bytes of header.
    pub header: [u8; BLOCK],
    /// The content.
    pub data: Vec<u8>,
    /// What follows the content up to the next header.
    pub padding: Vec<u8>,
}

/// A whole archive.
#[derive(Debug, Clone)]
pub struct Archive {
    /// Members in file order.
    pub members: Vec<Member>,
    /// What follows the last member: normally two zero blocks.
    pub trailer: Vec<u8>,
}

/// Fields of a header by position and length.
#[derive(Debug, Clone, Copy)]
pub struct Field(usize, usize);

/// Header fields of POSIX ustar.
pub mod field {
    use super::Field;

    /// File name.
    pub const NAME: Field = Field(0, 100);
    /// Permission bits.
    pub const MODE: Field = Field(100, 8);
    /// Owner.
    pub const UID: Field = Field(108, 8);
    /// Group.
    pub const GID: Field = Field(116, 8);
    /// Content length.
    pub const SIZE: Field = Field(124, 12);
    /// Modification time.
    pub const MTIME: Field = Field(136, 12);
    /// Sum of the header's bytes.
    pub const CHECKSUM: Field = Field(148, 8);
    /// Kind of member.
    pub const TYPE: Field = Field(156, 1);
    /// Target of a link.
    pub const LINK: Field = Field(157, 100);
    /// `ustar\0`.
    pub const MAGIC: Field = Field(257, 6);
    /// `00`.
    pub const VERSION: Field = Field(263, 2);
    /// Owner's name.
    pub const UNAME: Field = Field(265, 32);
    /// Group's name.
    pub const GNAME: Field = Field(297, 32);
    /// Leading part of a long name.
    pub const PREFIX: Field = Field(345, 155);
}

impl Archive {
    /// Takes a well-formed bundle apart.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut members = Vec::new();
        let mut at = 0;
        while bytes[at..at + BLOCK].iter().any(|byte| *byte != 0) {
            let header: [u8; BLOCK] = bytes[at..at + BLOCK].try_into().unwrap();
            let size = octal(&header[124..136]);
            let data_at = at + BLOCK;
            let padded = size.div_ceil(BLOCK) * BLOCK;
            members.push(Member {
                header,
                data: bytes[data_at..data_at + size].to_vec(),
                padding: bytes[data_at + size..data_at + padded].to_vec(),
            });
            at = data_at + padded;
        }
        Self { members, trailer: bytes[at..].to_vec() }
    }

    /// Writes it, broken or not.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for member in &self.members {
            bytes.extend_from_slice(&member.header);
            bytes.extend_from_slice(&member.data);
            bytes.extend_from_slice(&member.padding);
        }
        bytes.extend_from_slice(&self.trailer);
        bytes
    }

    /// Where the member called `name` stands.
    pub fn position(&self, name: &str) -> usize {
        self.members.iter().position(|member| member.name() == name).unwrap()
    }

    /// The member called `name`.
    pub fn member(&mut self, name: &str) -> &mut Member {
        let at = self.position(name);
        &mut self.members[at]
    }

    /// Where the first blob stands.
    pub fn first_blob(&self) -> usize {
        let blob = |member: &Member| {
            member.name().starts_with("blobs/sha256/") && member.name().len() == 77
        };
        self.members.iter().position(blob).unwrap()
    }

    /// The last member, a blob.
    pub fn last(&mut self) -> &mut Member {
        self.members.last_mut().unwrap()
    }

    /// Puts `member` before the first blob.
    pub fn insert_before_blobs(&mut self, member: Member) {
        let at = self.first_blob();
        self.members.insert(at, member);
    }
}

impl Member {
    /// A regular file as the packer writes it.
    pub fn file(name: &str, data: &[u8]) -> Self {
        Self::of_type(b'0', name.as_bytes(), data)
    }

    /// A member of any type, otherwise as the packer writes one.
    pub fn of_type(kind: u8, name: &[u8], data: &[u8]) -> Self {
        let padded = data.len().div_ceil(BLOCK) * BLOCK;
        let mut member =
            Self { header: [0; BLOCK], data: data.to_vec(), padding: vec![0; padded - data.len()] };
        member
            .put(field::NAME, name)
            .put(field::MODE, b"0000644\0")
            .put(field::UID, b"0000000\0")
            .put(field::GID, b"0000000\0")
            .put(field::SIZE, format!("{:011o}\0", data.len()).as_bytes())
            .put(field::MTIME, b"00000000000\0")
            .put(field::TYPE, &[kind])
            .put(field::MAGIC, b"ustar\0")
            .put(field::VERSION, b"00")
            .seal();
        member
    }

    /// A PAX extended header holding `records` as they are.
    pub fn pax(records: &[u8]) -> Self {
        Self::of_type(b'x', b"PaxHeaders/x", records)
    }

    /// The name, without its padding.
    pub fn name(&self) -> &str {
        let end = self.header[..100].iter().position(|byte| *byte == 0).unwrap_or(100);
        std::str::from_utf8(&self.header[..end]).unwrap_or("")
    }

    /// Overwrites one header field; shorter values are filled with NUL. Does not seal.
    pub fn put(&mut self, field: Field, value: &[u8]) -> &mut Self {
        let Field(start, length) = field;
        assert!(value.len() <= length, "the value does not fit the field");
        self.header[start..start + length].fill(0);
        self.header[start..start + value.len()].copy_from_slice(value);
        self
    }

    /// Makes the checksum right again.
    pub fn seal(&mut self) -> &mut Self {
        self.header[148..156].fill(b' ');
        let sum: u32 = self.header.iter().map(|byte| u32::from(*byte)).sum();
        self.header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self
    }

    /// Replaces the content and everything in the header that follows from it.
    pub fn set_data(&mut self, data: Vec<u8>) -> &mut Self {
        let padded = data.len().div_ceil(BLOCK) * BLOCK;
        self.padding = vec![0; padded - data.len()];
        self.put(field::SIZE, format!("{:011o}\0", data.len()).as_bytes());
        self.data = data;
        self.seal()
    }
}

/// One PAX record with its right length in front.
pub fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut total = body + 1;
    while total != body + total.to_string().len() {
        total = body + total.to_string().len();
    }
    let mut record = format!("{total} {key}=").into_bytes();
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

fn octal(field: &[u8]) -> usize {
    let digits = std::str::from_utf8(field).unwrap().trim_end_matches(['\0', ' ']);
    usize::from_str_radix(digits, 8).unwrap()
}
