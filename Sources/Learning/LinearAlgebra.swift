import COpenBLAS

/// Matrix products by OpenBLAS, row-major.
///
/// Arrays hold at least the elements their shape names.
///
/// One thread: small products are many times slower with more, and results stay reproducible.
/// A product's last bits depend on its shape; who needs the same bits in every batch computes with
/// the row kernels of `CKernels` instead.
public enum LinearAlgebra {
    /// C[M×N] = A[M×K] · B[K×N], where `transposeB` reads B as [N×K]; row strides are K, N or K, N.
    public static func multiply(
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>,
        rows: Int,
        columns: Int,
        inner: Int,
        transposeB: Bool = false
    ) {
        guard rows > 0, columns > 0 else { return }
        singleThreaded
        cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            transposeB ? CblasTrans : CblasNoTrans,
            Int32(rows),
            Int32(columns),
            Int32(inner),
            1,
            a,
            Int32(max(inner, 1)),
            b,
            Int32(max(transposeB ? inner : columns, 1)),
            0,
            c,
            Int32(columns)
        )
    }

    /// y[M] = A[M×N] · x[N].
    public static func multiply(
        _ a: UnsafePointer<Float>,
        vector x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        rows: Int,
        columns: Int
    ) {
        guard rows > 0, columns > 0 else { return }
        singleThreaded
        cblas_sgemv(
            CblasRowMajor,
            CblasNoTrans,
            Int32(rows),
            Int32(columns),
            1,
            a,
            Int32(columns),
            x,
            1,
            0,
            y,
            1
        )
    }

    /// Evaluated once per process, before the first product.
    private static let singleThreaded: Void = openblas_set_num_threads(1)
}
