"""Bodies of the local S3 in files, from the first byte on.

ministack takes a body into memory, keeps parts of an upload there and loses them when it stops.
Here a body goes from the connection to the disk; ministack goes on deciding who may do what, under
which conditions, and whom to tell, and never sees more than a body's length and digests.

    incoming    the body of a request, on its way into a file
    chunked     the framing in which SDKs send a body with its checksum behind it
    body        a body in a file, as ministack is handed it
    commits     a file becomes an object: body and facts at once, whenever the process dies
    uploads     uploads in parts, each part where it will lie in the object
    grafted     all of it put in ministack's place
    door        the way in for the web server, which runs in this process
"""
