// A behavioural stand-in for the design under test, with faults on demand.
//
// It reads any program from program.mem (see tests/standin/__init__.py), works
// on one sample at a time, and with +fault=NAME breaks one rule of the stream
// protocol, of the reset or of the arithmetic.  The bench must find every one.

module mondeq_top (
  input  logic                  ap_clk,
  input  logic                  ap_rst_n,
  input  logic [`IN_BITS-1:0]   s_axis_TDATA,
  input  logic                  s_axis_TVALID,
  output logic                  s_axis_TREADY,
  input  logic                  s_axis_TLAST,
  output logic [`OUT_BITS-1:0]  m_axis_TDATA,
  output logic                  m_axis_TVALID,
  input  logic                  m_axis_TREADY,
  output logic                  m_axis_TLAST
);
  localparam int Size = 8192;
  localparam int Latency = 20;

  logic signed [63:0] mem [Size];
  logic signed [63:0] x [256];
  logic signed [63:0] d [256];
  logic signed [63:0] s [256];
  logic signed [63:0] u [256];
  logic signed [63:0] y [256];
  logic signed [63:0] acc, half;
  int n, dd, k, wpb, iw, left, iters, top, relu;
  int p_drive, p_bias, p_right, p_matrix, p_shift, p_readout, p_rleft, p_rbias;
  logic [8*24-1:0] fault;
  bit faulty;

  typedef enum logic [1:0] {Input, Solve, Output} state_e;
  state_e state;
  int beat, wait_count, out, stalled, samples, idle;
  bit was_valid;

  function automatic bit is_fault(logic [8*24-1:0] name);
    is_fault = faulty && fault == name;
  endfunction

  function automatic logic signed [63:0] round_shift(logic signed [63:0] v, int r);
    round_shift = r == 0 ? v : (v + (64'sd1 <<< (r - 1))) >>> r;
  endfunction

  function automatic logic signed [63:0] saturate(logic signed [63:0] v);
    saturate = v > top ? top : (v < -top ? -top : v);
  endfunction

  function automatic logic signed [63:0] phi(logic signed [63:0] v);
    phi = v >= 0 ? v : (relu != 0 ? 64'sd0 : -v);
  endfunction

  initial begin
    $readmemh("program.mem", mem);
    n = (mem[0]); dd = (mem[1]); k = (mem[2]); wpb = (mem[3]); iw = (mem[4]);
    left = (mem[5]); iters = (mem[6]); top = (mem[7]); relu = (mem[8]);
    p_drive = 9; p_bias = p_drive + n * dd; p_right = p_bias + n; p_matrix = p_right + n;
    p_shift = p_matrix + n * n; p_readout = p_shift + n; p_rleft = p_readout + k * n; p_rbias = p_rleft + k;
    faulty = $value$plusargs("fault=%s", fault) != 0;
  end

  task compute();
    for (int i = 0; i < n; i++) begin
      acc = 0;
      for (int j = 0; j < dd; j++) acc = acc + mem[p_drive + i * dd + j] * x[j];
      d[i] = round_shift((acc <<< left) + mem[p_bias + i], (mem[p_right + i]));
      if (is_fault("accumulate") && samples > 0) d[i] = d[i] + (64'sd1 <<< mem[p_shift + i]);
      s[i] = saturate(round_shift(d[i], (mem[p_shift + i])));
    end
    for (int t = 0; t < iters; t++) begin
      for (int i = 0; i < n; i++) begin
        acc = d[i];
        for (int j = 0; j < n; j++) acc = acc + mem[p_matrix + i * n + j] * phi(s[j]);
        u[i] = saturate(round_shift(acc, (mem[p_shift + i])));
      end
      for (int i = 0; i < n; i++) s[i] = u[i];
    end
    for (int i = 0; i < k; i++) begin
      acc = 0;
      for (int j = 0; j < n; j++) acc = acc + mem[p_readout + i * n + j] * (s[j] > 0 ? s[j] : 64'sd0);
      y[i] = (acc <<< (mem[p_rleft + i])) + mem[p_rbias + i];
      if (is_fault("full_scale") && x[0] == (64'sd1 <<< iw) - 1 && x[dd-1] == x[0] && x[dd/2] == x[0]) y[i] = y[i] ^ 1;
      if (is_fault("after_idle") && idle > 3 * Latency) y[i] = y[i] ^ 1;
      if (is_fault("loses_sign")) y[i] = y[i] & ((64'sd1 <<< (`OUT_BITS - 1)) - 64'sd1);
    end
    if (is_fault("wrong_word")) y[k-1] = y[k-1] + 1;
  endtask

  wire take = s_axis_TREADY && (s_axis_TVALID || is_fault("ignores_tvalid"));
  wire give = m_axis_TVALID && (m_axis_TREADY || is_fault("ignores_tready"));
  wire last_beat = is_fault("counts_tlast") ? s_axis_TLAST : (beat + 1) * wpb >= dd;

  always @(posedge ap_clk) begin
    idle <= state == Input && beat == 0 && !take ? idle + 1 : idle;
    was_valid <= s_axis_TVALID;
    if (state == Input && take) begin
      for (int w = 0; w < wpb; w++) x[beat * wpb + w] = (s_axis_TDATA >> (w * iw)) & ((64'd1 << iw) - 64'd1);
      if (is_fault("drops_beat") && !was_valid && beat > 0) begin
        x[beat * wpb] = 0;
      end
      beat <= last_beat ? 0 : beat + 1;
      if (last_beat) begin
        compute();
        wait_count <= is_fault("one_cycle_late") ? Latency + 1 : Latency;
        if (is_fault("slow_third") && samples == 2) wait_count <= Latency + 1;
        if (is_fault("hangs") && samples == 2) wait_count <= 1 << 30;
        state <= Solve;
      end
    end
    if (state == Solve) begin
      wait_count <= wait_count - 1;
      if (wait_count <= 1) begin
        state <= Output;
        samples <= samples + 1;
        idle <= 0;
        out <= 0;
        stalled <= 0;
      end
    end
    if (state == Output) begin
      stalled <= m_axis_TVALID && !m_axis_TREADY ? stalled + 1 : 0;
      if (give) begin
        out <= out + 1;
        if (out == k - 1 + (is_fault("extra_beat") && samples == 3 ? 1 : 0)) state <= Input;
        if (is_fault("loses_last_beat") && stalled > 0 && out == k - 2) state <= Input;
      end
    end
    if (!ap_rst_n) begin
      samples <= 0;
      idle <= 0;
      was_valid <= 0;
      if (!is_fault("keeps_beat_count")) beat <= 0;
      if (!(is_fault("keeps_solving") && state === Solve) && !(is_fault("keeps_output") && state === Output)) begin
        state <= Input;
      end
      if (is_fault("keeps_state") && state != Input) state <= Input;
    end
  end

  assign s_axis_TREADY = state == Input && !(is_fault("ready_unknown") && samples == 1 && beat == 0 ? 1'bx : 1'b0);
  assign m_axis_TVALID = (state == Output && !(is_fault("valid_drops") && stalled == 2)
                          && !(is_fault("waits_for_ready") && !m_axis_TREADY))
                         || (is_fault("valid_in_reset") && !ap_rst_n);
  assign m_axis_TDATA = y[out][`OUT_BITS-1:0] ^ (is_fault("data_changes") && stalled > 1 ? 1 : 0);
  assign m_axis_TLAST = is_fault("last_missing") ? 1'b0
                      : is_fault("last_early") ? out == 0
                      : is_fault("last_changes") && stalled > 1 ? 1'b0
                      : is_fault("last_always") ? 1'b1
                      : out == k - 1;
endmodule
