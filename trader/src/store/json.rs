//! A record as JSON: the bytes that [`serde_json::to_vec`] gives, for less. Of a journal's text every
//! second byte is a name of ours, which needs no escaping, and nearly no text of a record does:
//! looking at each of these bytes by itself was a quarter of what a journal costs.

use serde::ser::{
    Error as _, Impossible, Serialize, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Error;

/// Appends `value` to `out`.
///
/// # Errors
/// What no record holds: bytes and maps.
pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    value.serialize(Writer { out })
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
}

/// An array or object that is being written.
struct Open<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
    close: &'static [u8],
}

impl<'o> Writer<'o> {
    /// Numbers, which serde_json writes without a detour.
    #[inline]
    fn plain<T: Serialize>(self, value: T) -> Result<(), Error> {
        serde_json::to_writer(self.out, &value)
    }

    #[inline]
    fn open(self, open: &[u8], close: &'static [u8]) -> Open<'o> {
        self.out.extend_from_slice(open);
        Open { out: self.out, empty: true, close }
    }

    /// `{"name":` and what follows it.
    #[inline]
    fn variant(self, name: &'static str, open: &[u8], close: &'static [u8]) -> Open<'o> {
        self.out.push(b'{');
        put_name(self.out, name);
        self.open(open, close)
    }
}

/// `"name":`, of a name of ours.
#[inline]
fn put_name(out: &mut Vec<u8>, name: &'static str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Text from anywhere.
#[inline]
fn put_text(out: &mut Vec<u8>, text: &str) -> Result<(), Error> {
    // Every byte is looked at, also after a find: so the processor takes many at once.
    let escapes = |found, byte: &u8| found | (*byte < b' ') | (*byte == b'"') | (*byte == b'\\');
    if text.as_bytes().iter().fold(false, escapes) {
        return serde_json::to_writer(out, text);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

impl Open<'_> {
    #[inline]
    fn comma(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.comma();
        write(value, self.out)
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.comma();
        put_name(self.out, name);
        write(value, self.out)
    }

    #[inline]
    fn closed(self) -> Result<(), Error> {
        self.out.extend_from_slice(self.close);
        Ok(())
    }
}

/// Methods that all write a number.
macro_rules! numbers {
    ($($method:ident($number:ty))*) => {$(
        #[inline]
        fn $method(self, value: $number) -> Result<(), Error> {
            self.plain(value)
        }
    )*};
}

impl<'o> Serializer for Writer<'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Open<'o>;
    type SerializeTuple = Open<'o>;
    type SerializeTupleStruct = Open<'o>;
    type SerializeTupleVariant = Open<'o>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Open<'o>;
    type SerializeStructVariant = Open<'o>;

    numbers! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_i128(i128) serialize_u8(u8) serialize_u16(u16) serialize_u32(u32)
        serialize_u64(u64) serialize_u128(u128) serialize_f32(f32) serialize_f64(f64)
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.plain(value)
    }
    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Error> {
        put_text(self.out, text)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Error> {
        Err(Error::custom("bytes are no part of a record: write them as text"))
    }
    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }
    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }
    #[inline]
    fn serialize_unit(self) -> Result<(), Error> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }
    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
    ) -> Result<(), Error> {
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'"');
        Ok(())
    }
    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }
    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut open = self.open(b"{", b"}");
        open.field(name, value)?;
        open.closed()
    }
    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'o>, Error> {
        Ok(self.open(b"[", b"]"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Open<'o>, Error> {
        Ok(self.open(b"[", b"]"))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'o>, Error> {
        Ok(self.open(b"[", b"]"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Open<'o>, Error> {
        Ok(self.variant(name, b"[", b"]}"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        Err(Error::custom("a map is no part of a record: write a list, whose order is told"))
    }
    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'o>, Error> {
        Ok(self.open(b"{", b"}"))
    }
    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Open<'o>, Error> {
        Ok(self.variant(name, b"{", b"}}"))
    }
}

/// The traits of what has elements, and of what has fields.
macro_rules! compound {
    ($($name:ident.$method:ident($($key:ident)?) $write:ident;)*) => {$(
        impl $name for Open<'_> {
            type Ok = ();
            type Error = Error;
            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $($key: &'static str,)? value: &T) -> Result<(), Error> {
                self.$write($($key,)? value)
            }
            #[inline]
            fn end(self) -> Result<(), Error> {
                self.closed()
            }
        }
    )*};
}
compound! {
    SerializeSeq.serialize_element() element;
    SerializeTuple.serialize_element() element;
    SerializeTupleStruct.serialize_field() element;
    SerializeTupleVariant.serialize_field() element;
    SerializeStruct.serialize_field(name) field;
    SerializeStructVariant.serialize_field(name) field;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Everything that a derived type can be made of, tagged as records are and as their parts are.
    #[derive(serde::Serialize)]
    #[serde(tag = "kind", content = "body", rename_all = "camelCase")]
    enum Tagged {
        Nothing,
        Plain(Plain),
        Two(i64, String),
        Fields { some: Option<bool>, none: Option<u8>, list: Vec<Plain> },
    }
    #[derive(serde::Serialize)]
    enum Plain {
        Unit,
        Newtype(String),
        Tuple(u64, i8),
        Struct { unit: (), text: String, letter: char, number: f64 },
        Nested(Pair, Transparent, [u16; 3]),
    }
    #[derive(serde::Serialize)]
    struct Pair(i128, u128);
    #[derive(serde::Serialize)]
    struct Transparent(Empty);
    #[derive(serde::Serialize)]
    struct Empty;

    fn same(value: &impl Serialize) -> String {
        let mut bytes = b"before ".to_vec();
        write(value, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, format!("before {}", serde_json::to_string(value).unwrap()));
        text
    }

    #[test]
    fn every_shape_is_written_as_serde_json_writes_it() {
        let list = || {
            vec![
                Plain::Unit,
                Plain::Newtype("new".to_owned()),
                Plain::Tuple(u64::MAX, i8::MIN),
                Plain::Struct { unit: (), text: String::new(), letter: '"', number: 0.1 },
                Plain::Nested(Pair(i128::MIN, u128::MAX), Transparent(Empty), [0, 1, 2]),
            ]
        };
        same(&Tagged::Nothing);
        same(&Tagged::Two(-1, "two".to_owned()));
        same(&Tagged::Fields { some: Some(true), none: None, list: list() });
        same(&Tagged::Fields { some: Some(false), none: Some(0), list: Vec::new() });
        list().into_iter().for_each(|plain| drop(same(&Tagged::Plain(plain))));
    }

    #[test]
    fn text_that_wants_escaping_is_escaped() {
        let text = same(&"a \"quote\", a \\, a \n, a \u{1}, an \u{7f}, an é and a \u{1f600}");
        assert!(text.contains("\\\"quote\\\"") && text.contains("\\u0001"), "{text}");
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_serde_json_writes_it(text: String, other in "[ -~]*") {
            same(&[text, other]);
        }
    }

    #[test]
    fn bytes_and_maps_are_refused() {
        struct Bytes;
        impl Serialize for Bytes {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(b"x")
            }
        }
        write(&Bytes, &mut Vec::new()).unwrap_err();
        write(&std::collections::BTreeMap::from([(1, 2)]), &mut Vec::new()).unwrap_err();
    }
}
