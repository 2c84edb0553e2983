//! A minimal HTTP/1.1 client with persistent connections. It does as little as possible, because it runs on the machine that it measures.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 16;
const THREADS: usize = 2;
/// Longer than any request takes: no response within it is an error.
const READ_TIMEOUT: Duration = Duration::from_mins(2);

/// Appends the next request to the buffer.
pub(crate) type NextRequest<'a> = dyn Fn(&mut Vec<u8>) + Sync + 'a;

pub(crate) fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

pub(crate) fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    write("POST", path, headers, body)
}

pub(crate) fn write(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A complete response.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

/// A connection with at most one request in flight.
pub(crate) struct Connection {
    stream: TcpStream,
    sent: Instant,
}

impl Connection {
    pub(crate) fn open(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        Ok(Self { stream, sent: Instant::now() })
    }

    pub(crate) fn request(&mut self, request: &[u8]) -> Response {
        let mut buffer = vec![0; 1 << 16];
        self.send(request);
        let received = self.receive(&mut buffer);
        let head = String::from_utf8_lossy(&buffer[..received.head]);
        let headers =
            head.lines().skip(1).filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned()));
        Response { status: received.status, headers: headers.collect(), body: buffer[received.head..received.end].to_vec() }
    }

    pub(crate) fn send(&mut self, request: &[u8]) {
        self.sent = Instant::now();
        self.stream.write_all(request).expect("the server accepts a request");
    }

    /// Reads one response into the buffer, which grows as needed.
    pub(crate) fn receive(&mut self, buffer: &mut Vec<u8>) -> Received {
        let mut filled = 0;
        let mut head: Option<Received> = None;
        loop {
            match head {
                Some(received) if filled >= received.end => return received,
                Some(received) => buffer.resize(buffer.len().max(received.end), 0),
                None if filled == buffer.len() => buffer.resize(filled * 2, 0),
                None => {}
            }
            let read = self.stream.read(&mut buffer[filled..]).expect("a response in time");
            assert!(read > 0, "the server closed the connection: {}", String::from_utf8_lossy(&buffer[..filled.min(500)]));
            filled += read;
            head = head.or_else(|| Received::parse(&buffer[..filled]));
        }
    }
}

/// The status of a response, and the ends of its head and body in the buffer.
#[derive(Clone, Copy)]
pub(crate) struct Received {
    pub(crate) status: u16,
    head: usize,
    end: usize,
}

impl Received {
    /// `None` until the head is complete.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let status = bytes.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).expect("a status line");
        let length = if matches!(status, 204 | 304) { 0 } else { content_length(&bytes[..head]) };
        Some(Self { status, head, end: head + length })
    }
}

fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length:";
    let line = head.split(|byte| *byte == b'\n').find(|line| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)));
    let value = line.and_then(|line| std::str::from_utf8(&line[NAME.len()..]).ok()?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("a response without Content-Length is not supported: {}", String::from_utf8_lossy(head)))
}

/// The result of one measurement window.
pub(crate) struct Window {
    /// The latency of each request in microseconds.
    pub(crate) times: Vec<u32>,
    pub(crate) elapsed: Duration,
}

/// The persistent connections of a load, and the number of threads that drive them.
pub(crate) struct Fleet {
    connections: Vec<Connection>,
    threads: usize,
}

impl Fleet {
    /// Several connections for each thread, which costs the least.
    pub(crate) fn connect(address: &str) -> std::io::Result<Self> {
        Self::open(address, CONNECTIONS, THREADS)
    }

    /// Independent readers: a thread for each connection.
    pub(crate) fn independent(address: &str, readers: usize) -> std::io::Result<Self> {
        Self::open(address, readers, readers)
    }

    fn open(address: &str, connections: usize, threads: usize) -> std::io::Result<Self> {
        let connections = (0..connections).map(|_| Connection::open(address)).collect::<Result<_, _>>()?;
        Ok(Self { connections, threads })
    }

    /// Sends requests for this duration. Panics on any other status than the expected one.
    pub(crate) fn drive(&mut self, duration: Duration, status: u16, next_request: &NextRequest<'_>) -> Window {
        let started = Instant::now();
        let until = started + duration;
        let times = std::thread::scope(|scope| {
            let part = self.connections.len().div_ceil(self.threads);
            let threads: Vec<_> = self
                .connections
                .chunks_mut(part)
                .map(|connections| scope.spawn(move || send_rounds(connections, until, status, next_request)))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("a client thread")).collect()
        });
        Window { times, elapsed: started.elapsed() }
    }
}

/// Sends a request on every connection before it reads the responses, so that the server always has several in flight.
fn send_rounds(connections: &mut [Connection], until: Instant, status: u16, next_request: &NextRequest<'_>) -> Vec<u32> {
    let (mut times, mut request, mut buffer) = (Vec::with_capacity(1 << 17), Vec::new(), vec![0; 1 << 16]);
    while Instant::now() < until {
        for connection in &mut *connections {
            request.clear();
            next_request(&mut request);
            connection.send(&request);
        }
        for connection in &mut *connections {
            let received = connection.receive(&mut buffer);
            times.push(u32::try_from(connection.sent.elapsed().as_micros()).unwrap_or(u32::MAX));
            let response = &buffer[..received.end.min(1_500)];
            assert!(received.status == status, "expected {status}: {}", String::from_utf8_lossy(response));
        }
    }
    times
}
